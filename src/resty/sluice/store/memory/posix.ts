import * as ffi from "ffi";
import type { Result } from "../../lib/result";

/**
 * The calls of the C library that nginx's Lua does not offer: memory shared by all workers, locks that end
 * with their holder, writes that report a full disk. Linux, 64 bit.
 */

interface Libc {
  sluice_mmap: (
    this: void,
    at: undefined,
    bytes: number,
    protection: number,
    flags: number,
    fd: number,
    from: number,
  ) => ffi.CData;
  sluice_open: (this: void, path: string, flags: number, mode: number) => number;
  sluice_openat: (this: void, folder: number, name: string, flags: number, mode: number) => number;
  sluice_getcwd: (this: void, buffer: ffi.CData, bytes: number) => ffi.CData | undefined;
  sluice_mkdir: (this: void, path: string, mode: number) => number;
  sluice_syscall: (this: void, number: number, name: string, flags: number) => number;
  sluice_pwrite: (this: void, fd: number, text: string, bytes: number, at: number) => number;
  sluice_write: (this: void, fd: number, text: string, bytes: number) => number;
  sluice_close: (this: void, fd: number) => number;
  sluice_pread: (this: void, fd: number, buffer: ffi.CData, bytes: number, at: number) => number;
  sluice_lseek: (this: void, fd: number, by: number, from: number) => number;
  sluice_ftruncate: (this: void, fd: number, bytes: number) => number;
  sluice_fdatasync: (this: void, fd: number) => number;
  sluice_flock: (this: void, fd: number, operation: number) => number;
  sluice_fcntl: (this: void, fd: number, command: number, lock: ffi.CData) => number;
  sluice_strerror: (this: void, code: number) => ffi.CData;
  sluice_getppid: (this: void) => number;
  sluice_poll: (this: void, files: undefined, count: number, milliseconds: number) => number;
}

// The asm names avoid conflicts with other modules' declarations of the same functions.
ffi.cdef(`
  struct sluice_flock { short type; short whence; int64_t start; int64_t length; int pid; };
  void *sluice_mmap(void *, size_t, int, int, int, int64_t) __asm__("mmap");
  int sluice_open(const char *, int, int) __asm__("open");
  int sluice_openat(int, const char *, int, int) __asm__("openat");
  char *sluice_getcwd(char *, size_t) __asm__("getcwd");
  int sluice_mkdir(const char *, int) __asm__("mkdir");
  long sluice_syscall(long, const char *, unsigned int) __asm__("syscall");
  ssize_t sluice_pwrite(int, const char *, size_t, int64_t) __asm__("pwrite");
  ssize_t sluice_write(int, const char *, size_t) __asm__("write");
  int sluice_close(int) __asm__("close");
  ssize_t sluice_pread(int, void *, size_t, int64_t) __asm__("pread");
  int64_t sluice_lseek(int, int64_t, int) __asm__("lseek");
  int sluice_ftruncate(int, int64_t) __asm__("ftruncate");
  int sluice_fdatasync(int) __asm__("fdatasync");
  int sluice_flock(int, int) __asm__("flock");
  int sluice_fcntl(int, int, struct sluice_flock *) __asm__("fcntl");
  char *sluice_strerror(int) __asm__("strerror");
  int sluice_getppid(void) __asm__("getppid");
  int sluice_poll(void *, unsigned long, int) __asm__("poll");
`);

const C = ffi.C as Libc;

const O_RDONLY = 0;
const O_WRONLY = 0x1;
const O_RDWR = 0x2;
const O_CREAT = 0x40;
const O_APPEND = 0x400;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
/** These two flags differ on ARM. */
const IS_ARM = string.sub(ffi.arch, 1, 3) === "arm";
const O_DIRECTORY = IS_ARM ? 0x4000 : 0x10000;
const O_NOFOLLOW = IS_ARM ? 0x8000 : 0x20000;
const OWNER_ONLY = 0x1c0; // rwx------
const OWNER_FILE = 0x180; // rw-------
const LOG_FILE = 0x1a0; // rw-r-----
const EEXIST = 17;
const ELOOP = 40;
const LONGEST_PATH = 4096;
const SEEK_END = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x1;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MFD_CLOEXEC = 1;
/** The number of the system call `memfd_create`. C libraries have a function for it only since 2018. */
const MEMFD_CREATE = ffi.arch === "x64" ? 319 : 279;
const LOCK_EXCLUSIVE_NOW = 2 | 4;
const F_GETLK = 5;
const F_SETLK = 6;
const F_WRLCK = 1;
const F_UNLCK = 2;

const one_byte = ffi.new("struct sluice_flock") as ffi.CData & {
  type: number;
  start: number;
  length: number;
  pid: number;
};

/** Returns the error text of the last failed call. */
export function reason(): string {
  return ffi.string(C.sluice_strerror(ffi.errno()));
}

function outcome(result: number): Result<true> {
  if (result === -1) return $multi(undefined, reason());
  return $multi(true, undefined);
}

/** Maps zeroed memory, shared with the processes that this one forks. Untouched pages cost nothing. */
export function map_shared(bytes: number): Result<number> {
  const flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  const address = C.sluice_mmap(undefined, bytes, PROT_READ_WRITE, flags, -1, 0);
  if (tonumber(ffi.cast("intptr_t", address)) === -1) return $multi(undefined, reason());
  return $multi(tonumber(ffi.cast("uintptr_t", address)), undefined);
}

/** Returns the numbers at an address that `map_shared` returned in this process or in its parent. */
export function doubles_at(address: number): ffi.NumberPointer {
  return ffi.cast("double *", address) as ffi.NumberPointer;
}

/** Creates a folder for its owner only, unless it exists. */
export function make_directory(path: string): Result<true> {
  if (C.sluice_mkdir(path, OWNER_ONLY) === -1 && ffi.errno() !== EEXIST) return $multi(undefined, reason());
  return $multi(true, undefined);
}

function opened(fd: number): Result<number> {
  if (fd === -1) return $multi(undefined, reason());
  return $multi(fd, undefined);
}

/** Opens a folder. Returns the descriptor, or undefined and the cause. */
export function open_folder(path: string): Result<number> {
  return opened(C.sluice_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
}

/** Opens a file of a folder, and creates it for its owner only. Follows no link and waits for no pipe. */
export function open_file(folder: number, name: string): Result<number> {
  const flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const fd = C.sluice_openat(folder, name, flags, OWNER_FILE);
  if (fd === -1 && ffi.errno() === ELOOP) return $multi(undefined, "it is a symbolic link");
  return opened(fd);
}

/** Opens a file to append to, and creates it if there is none. Follows no link and waits for no pipe. */
export function open_log(path: string): Result<number> {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const fd = C.sluice_open(path, flags, LOG_FILE);
  if (fd === -1 && ffi.errno() === ELOOP) return $multi(undefined, "it is a symbolic link");
  return opened(fd);
}

/** Appends a text to a file of `open_log`. Returns the number of bytes that were written. */
export function append(fd: number, text: string): Result<number> {
  const written = tonumber(C.sluice_write(fd, text, text.length)) as number;
  if (written === -1) return $multi(undefined, reason());
  return $multi(written, undefined);
}

export function close_file(fd: number): void {
  C.sluice_close(fd);
}

/** Reads `bytes` bytes of a file from an offset on, or fails. */
export function read_at(fd: number, bytes: number, offset: number): Result<string> {
  const buffer = ffi.new("char[?]", bytes);
  const read = tonumber(C.sluice_pread(fd, buffer, bytes, offset)) as number;
  if (read === -1) return $multi(undefined, reason());
  if (read < bytes) return $multi(undefined, "the file ended early");
  return $multi(ffi.string(buffer, bytes), undefined);
}

/** Reads a whole file. */
export function read_file(fd: number): Result<string> {
  return read_at(fd, file_size(fd), 0);
}

/** Returns the working folder; undefined: it was removed. */
export function working_folder(): string | undefined {
  const buffer = ffi.new("char[?]", LONGEST_PATH);
  return C.sluice_getcwd(buffer, LONGEST_PATH) === undefined ? undefined : ffi.string(buffer);
}

/** Opens a nameless file in memory. */
export function open_memory_file(): Result<number> {
  return opened(tonumber(C.sluice_syscall(MEMFD_CREATE, "sluice", MFD_CLOEXEC)) as number);
}

/** Writes all of `text` at an offset, or fails. The caller removes a partially written text. */
export function write_at(fd: number, text: string, offset: number): Result<true> {
  const written = tonumber(C.sluice_pwrite(fd, text, text.length, offset)) as number;
  if (written === -1) return $multi(undefined, reason());
  if (written < text.length) return $multi(undefined, "No space left on device");
  return $multi(true, undefined);
}

export function file_size(fd: number): number {
  return tonumber(C.sluice_lseek(fd, 0, SEEK_END)) as number;
}

export function cut_file(fd: number, bytes: number): Result<true> {
  return outcome(C.sluice_ftruncate(fd, bytes));
}

export function sync_file(fd: number): Result<true> {
  return outcome(C.sluice_fdatasync(fd));
}

/**
 * Locks a file for this process and the processes that it forks. Fails at once when another process has it.
 */
export function take_file(fd: number): Result<true> {
  return outcome(C.sluice_flock(fd, LOCK_EXCLUSIVE_NOW));
}

function record_lock(fd: number, byte: number, command: number, kind: number): boolean {
  one_byte.type = kind;
  one_byte.start = byte;
  one_byte.length = 1;
  return C.sluice_fcntl(fd, command, one_byte) !== -1;
}

/** Locks a byte of a file until this process ends. Returns false when another process holds it. */
export function try_lock(fd: number, byte: number): boolean {
  return record_lock(fd, byte, F_SETLK, F_WRLCK);
}

/** Returns the pid of the other process that has locked a byte of a file; 0: none. */
export function lock_holder(fd: number, byte: number): number {
  const asked = record_lock(fd, byte, F_GETLK, F_WRLCK);
  return asked && one_byte.type !== F_UNLCK ? one_byte.pid : 0;
}

export function unlock(fd: number, byte: number): void {
  record_lock(fd, byte, F_SETLK, F_UNLCK);
}

/** Blocks the process for some milliseconds. */
export function pause(milliseconds: number): void {
  C.sluice_poll(undefined, 0, milliseconds);
}

export function parent_pid(): number {
  return C.sluice_getppid();
}
