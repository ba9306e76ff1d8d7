import * as ffi from "ffi";
import * as clock from "../../lib/clock";
import type { Result } from "../../lib/result";
import { reason } from "../memory/posix";

/** The state of a file, read without opening it. */
export interface FileState {
  /** Changes with the content of the file; undefined: unknown. */
  version: string | undefined;
  /** Not a folder, pipe or device; true when unknown. */
  is_regular: boolean;
  /** In bytes; 0 when unknown. */
  size: number;
}

type Statx = (
  this: void,
  folder: number,
  path: string,
  flags: number,
  mask: number,
  state: ffi.CData,
) => number;

interface Libc {
  sluice_statx: Statx;
  sluice_syscall_statx: (this: void, call: number, ...statx: Parameters<Statx>) => number;
  sluice_geteuid: (this: void) => number;
}

ffi.cdef(`
  struct sluice_statx_time { int64_t seconds; uint32_t nanoseconds; int32_t reserved; };
  struct sluice_statx {
    uint32_t mask; uint32_t block_size; uint64_t attributes; uint32_t links; uint32_t user; uint32_t group;
    uint16_t mode; uint16_t reserved; uint64_t inode; uint64_t size; uint64_t blocks; uint64_t known_attributes;
    struct sluice_statx_time accessed; struct sluice_statx_time born;
    struct sluice_statx_time changed; struct sluice_statx_time modified;
    uint32_t device_major_of_node; uint32_t device_minor_of_node; uint32_t device_major; uint32_t device_minor;
    uint64_t others[14];
  };
  int sluice_statx(int, const char *, int, unsigned int, struct sluice_statx *) __asm__("statx");
  long sluice_syscall_statx(long, int, const char *, int, unsigned int, struct sluice_statx *) __asm__("syscall");
  unsigned int sluice_geteuid(void) __asm__("geteuid");
`);

interface StatxTime {
  seconds: unknown;
  nanoseconds: number;
}

const C = ffi.C as Libc;
const AT_FDCWD = -100;
/** An empty path means the descriptor itself. */
const AT_EMPTY_PATH = 0x1000;
const BASIC_STATS = 0x7ff;
const FORMAT_UNIT = 0x1000;
const FORMATS = 16;
const REGULAR = 8;
/** The group or all others may write to it. */
const WRITABLE_BY_OTHERS = 0x12;
const EPERM = 1;
const ENOENT = 2;
const ENOTDIR = 20;
const ELOOP = 40;
const ENOSYS = 38;
/** How long a tick of file times lasts at most, in seconds. A file can change twice within one tick. */
const TICK = 2;

const STATX_CALLS: Record<string, number | undefined> = { x64: 332, arm64: 291 };

/** Makes the system call, for which musl has no function before 1.2.5. Undefined: not possible. */
function statx_of(): Statx | undefined {
  if (pcall(() => C.sluice_statx)[0]) return C.sluice_statx;
  const call = STATX_CALLS[ffi.arch];
  if (call === undefined) return undefined;
  return (folder, path, flags, mask, to) =>
    tonumber(C.sluice_syscall_statx(call, folder, path, flags, mask, to)) as number;
}

const statx = statx_of();
const state = ffi.new("struct sluice_statx") as ffi.CData & {
  mode: number;
  links: number;
  user: number;
  device_major: number;
  device_minor: number;
  inode: unknown;
  size: unknown;
  changed: StatxTime;
  modified: StatxTime;
};

const UNKNOWN: FileState = { version: undefined, is_regular: true, size: 0 };

function time_text({ seconds, nanoseconds }: StatxTime): string {
  return string.format("%d.%09d", tonumber(seconds), nanoseconds);
}

/** Reads the state of a file into `state`. Returns 0, or the code of the failure. */
function look(folder: number, path: string, flags: number): number {
  if (statx === undefined) return ENOSYS;
  return statx(folder, path, flags, BASIC_STATS, state) === 0 ? 0 : ffi.errno();
}

function is_regular(): boolean {
  return math.floor(state.mode / FORMAT_UNIT) % FORMATS === REGULAR;
}

/** Returns the state of a file, or undefined and the cause. Any phase. */
export function state_of(path: string): Result<FileState> {
  const code = look(AT_FDCWD, path, 0);
  if (code === EPERM || code === ENOSYS) return $multi(UNKNOWN, undefined);
  if (code !== 0) return $multi(undefined, reason());
  const { changed, modified } = state;
  const size = tonumber(state.size) as number;
  const version = `${tostring(state.inode)} ${size} ${time_text(changed)} ${time_text(modified)}`;
  const is_recent = math.abs(clock.wall_time() - (tonumber(changed.seconds) as number)) < TICK;
  return $multi({ version: is_recent ? undefined : version, is_regular: is_regular(), size }, undefined);
}

/** Returns why lines cannot be appended to an open file; undefined: no reason is known. Any phase. */
export function flaw_of_log(fd: number): string | undefined {
  return look(fd, "", AT_EMPTY_PATH) === 0 && !is_regular() ? "it is not a regular file" : undefined;
}

/** Returns why lines cannot go to an open output of nginx; undefined: no reason is known. Any phase. */
export function flaw_of_output(fd: number): string | undefined {
  if (look(fd, "", AT_EMPTY_PATH) !== 0) return undefined;
  // nginx replaces its stderr by its error log, and then a reload would find that file here.
  if (is_regular()) return "it leads to a regular file: name that file instead";
  if (is_at("/dev/null", fd)) return "it leads to /dev/null, as it does when nginx runs as a daemon";
  return undefined;
}

/** Returns why the state must not be kept in an open file or folder; undefined: no reason is known. */
export function flaw_of(fd: number, kind: "folder" | "file"): string | undefined {
  if (look(fd, "", AT_EMPTY_PATH) !== 0) return undefined;
  const { user, mode, links } = state;
  if (kind === "file" && !is_regular()) return "it is not a regular file";
  if (kind === "file" && links > 1) return "it is linked to from elsewhere";
  if (user !== 0 && user !== C.sluice_geteuid())
    return `it belongs to user ${user}, and not to root or the user that starts nginx`;
  if ((mode & WRITABLE_BY_OTHERS) !== 0) return "users other than its owner may write to it";
  return undefined;
}

function identity(): string {
  return `${tostring(state.inode)} ${state.device_major} ${state.device_minor}`;
}

/** Returns whether a path still leads to an open file, or cannot be followed here. Any phase. */
export function is_at(path: string, fd: number): boolean {
  if (look(fd, "", AT_EMPTY_PATH) !== 0) return true;
  if (state.links === 0) return false;
  const opened = identity();
  const code = look(AT_FDCWD, path, 0);
  if (code === 0) return identity() === opened;
  return code !== ENOENT && code !== ENOTDIR && code !== ELOOP;
}

/** The highest descriptor to examine: files that are opened at the start have low ones. */
const LAST_DESCRIPTOR = 4096;

/** Returns how often this process has opened the file of a descriptor. */
export function count_openings(fd: number): number {
  if (look(fd, "", AT_EMPTY_PATH) !== 0) return 1;
  const wanted = identity();
  let count = 0;
  for (const other of $range(0, LAST_DESCRIPTOR)) {
    if (look(other, "", AT_EMPTY_PATH) === 0 && identity() === wanted) count += 1;
  }
  return count;
}
