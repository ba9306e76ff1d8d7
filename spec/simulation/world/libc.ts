import * as ffi from "ffi";
import { new_aio } from "./aio";
import { cut, open_file, sync, write, type DiskFile } from "./disk";
import { holder, open, type OpenFiles } from "./machine";
import { map } from "./memory";
import { block, kill_after, step, type Process } from "./process";
import { below, count } from "./world";

/** The functions of the C library that src/ calls, as one process sees them. */

interface FileLock extends ffi.CData {
  type: number;
  start: unknown;
  pid: number;
}

interface Statx extends ffi.CData {
  mode: number;
  links: number;
  user: number;
  inode: number;
  size: number;
}

export const FOLDER = "/state";
const EIO = 5;
const EBADF = 9;
const EAGAIN = 11;
const ENOENT = 2;
const ENOSPC = 28;
const EEXIST = 17;
const REGULAR = 0x8180;
const FOLDER_MODE = 0x41c0;
const F_GETLK = 5;
const F_UNLCK = 2;
const F_WRLCK = 1;
const AT_EMPTY_PATH = 0x1000;
const FOLDER_INODE = 50;
const MONOTONIC = 1;
const SECONDS_A_LOOK = 1e-6;

/** Makes the C library of a process. `fail_with` sets the number of the error. */
export function new_libc(
  process: Process,
  open_files: OpenFiles,
  fail_with: (this: void, code: number) => number,
): object {
  const { world } = process;
  const { disk } = open_files.machine;

  function file_of(fd: number): DiskFile | undefined {
    const file = open_files.files.get(fd) as DiskFile | string | undefined;
    return file === undefined || typeof file === "string" ? undefined : file;
  }

  /** Waits as long as the disk takes. Returns whether it fails. */
  function use_disk(): boolean {
    step();
    if (disk.delay > 0) block(disk.delay);
    if (disk.failures === 0) return false;
    disk.failures -= 1;
    count(world, "the disk failed");
    return true;
  }

  function pwrite(this: void, fd: number, text: string, _bytes: number, at: number): number {
    const file = file_of(fd);
    if (file === undefined) return fail_with(EBADF);
    if (use_disk()) {
      // A part of the text may be there.
      write(disk, file, string.sub(text, 1, math.floor(text.length * world.random())), at);
      return fail_with(EIO);
    }
    const bytes = write(disk, file, text, at);
    if (bytes < text.length) count(world, "the disk was full");
    if (bytes === 0 && text.length > 0) return fail_with(ENOSPC);
    return bytes;
  }

  /** A process that is killed while it writes leaves a part of the text. */
  function torn_pwrite(this: void, fd: number, text: string, bytes: number, at: number): number {
    const file = file_of(fd);
    const is_last = process.writes_left === 1;
    process.writes_left = math.max(0, process.writes_left - 1);
    if (file === undefined || !is_last) return pwrite(fd, text, bytes, at);
    write(disk, file, string.sub(text, 1, below(world.random, text.length + 1)), at);
    count(world, "killed in a write");
    kill_after(process, 1);
    step();
    return fail_with(EIO);
  }

  function statx(_folder: number, path: string, flags: number, state: Statx): number {
    const is_path = flags !== AT_EMPTY_PATH;
    const name = string.sub(path, FOLDER.length + 2);
    const file = is_path && name !== "" ? (disk.files.get(name) as DiskFile | undefined) : file_of(_folder);
    const is_folder = is_path ? path === FOLDER : open_files.files.get(_folder) === "folder";
    if (file === undefined && !is_folder) return fail_with(ENOENT);
    state.mode = is_folder ? FOLDER_MODE : REGULAR;
    state.links = 1;
    state.user = 0;
    state.inode = is_folder ? FOLDER_INODE : (file?.inode ?? 0);
    state.size = file === undefined ? 0 : file.text.length;
    return 0;
  }

  return {
    ...new_aio(process, open_files.machine, file_of, fail_with),
    sluice_mmap: (_at: undefined, bytes: number, protection: number, flags: number) =>
      map(world, bytes, protection, flags),
    sluice_open: () => {
      if (!disk.has_folder) return fail_with(ENOENT);
      return open(open_files, "folder");
    },
    sluice_openat: (_folder: number, name: string) => {
      step();
      return open(open_files, open_file(disk, name));
    },
    sluice_mkdir: () => {
      if (disk.has_folder) return fail_with(EEXIST);
      disk.has_folder = true;
      return 0;
    },
    sluice_syscall: () => open(open_files, "memory"),
    sluice_pwrite: torn_pwrite,
    sluice_close: () => 0,
    sluice_pread: (fd: number, buffer: ffi.CData, bytes: number, at: number) => {
      const file = file_of(fd);
      if (file === undefined) return fail_with(EBADF);
      const text = string.sub(file.text, at + 1, at + bytes);
      ffi.copy(buffer, text, text.length);
      return text.length;
    },
    sluice_lseek: (fd: number) => {
      const file = file_of(fd);
      return file === undefined ? fail_with(EBADF) : file.text.length;
    },
    sluice_ftruncate: (fd: number, bytes: number) => {
      const file = file_of(fd);
      if (file === undefined) return fail_with(EBADF);
      step();
      cut(disk, file, bytes);
      return 0;
    },
    sluice_fdatasync: (fd: number) => {
      const file = file_of(fd);
      if (file === undefined) return fail_with(EBADF);
      if (use_disk()) return fail_with(EIO);
      sync(file);
      return 0;
    },
    sluice_flock: () => 0,
    sluice_fcntl: (_fd: number, command: number, lock: FileLock) => {
      step();
      const byte = tonumber(lock.start) as number;
      const held = holder(open_files, byte);
      if (command === F_GETLK) {
        lock.type = held === undefined || held === process ? F_UNLCK : F_WRLCK;
        lock.pid = held?.pid ?? 0;
        return 0;
      }
      if (lock.type === F_UNLCK) {
        if (held === process) open_files.locks.delete(byte);
        return 0;
      }
      if (held !== undefined && held !== process) return fail_with(EAGAIN);
      open_files.locks.set(byte, process);
      return 0;
    },
    sluice_getppid: () => 1,
    sluice_geteuid: () => 0,
    sluice_poll: (_files: undefined, _count: number, milliseconds: number) => {
      block(milliseconds / 1000);
      return 0;
    },
    sluice_statx: (folder: number, path: string, flags: number, _mask: number, state: Statx) =>
      statx(folder, path, flags, state),
    sluice_clock_gettime: (clock: number, time: { seconds: number; nanoseconds: number }) => {
      world.now += SECONDS_A_LOOK;
      const now = clock === MONOTONIC ? world.now : 0;
      time.seconds = math.floor(now);
      time.nanoseconds = math.floor((now % 1) * 1e9);
      return 0;
    },
  };
}
