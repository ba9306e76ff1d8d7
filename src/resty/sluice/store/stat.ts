import * as ffi from "ffi";
import * as clock from "../lib/clock";
import { reason } from "./posix";

/** What Linux says of a file without opening it. */
export interface FileState {
  /** Another for another content; undefined: that cannot be told. */
  version: string | undefined;
  /** Not a folder, a pipe or a device; true where it is not known. */
  is_regular: boolean;
  /** In bytes; 0 where it is not known. */
  size: number;
}

interface Libc {
  sluice_statx: (
    this: void,
    folder: number,
    path: string,
    flags: number,
    mask: number,
    state: ffi.CData,
  ) => number;
}

ffi.cdef(`
  struct sluice_statx_time { int64_t seconds; uint32_t nanoseconds; int32_t reserved; };
  struct sluice_statx {
    uint32_t mask; uint32_t block_size; uint64_t attributes; uint32_t links; uint32_t user; uint32_t group;
    uint16_t mode; uint16_t reserved; uint64_t inode; uint64_t size; uint64_t blocks; uint64_t known_attributes;
    struct sluice_statx_time accessed; struct sluice_statx_time born;
    struct sluice_statx_time changed; struct sluice_statx_time modified;
    uint64_t others[16];
  };
  int sluice_statx(int, const char *, int, unsigned int, struct sluice_statx *) __asm__("statx");
`);

interface StatxTime {
  seconds: unknown;
  nanoseconds: number;
}

const C = ffi.C as Libc;
const AT_FDCWD = -100;
const BASIC_STATS = 0x7ff;
const FORMAT_UNIT = 0x1000;
const FORMATS = 16;
const REGULAR = 8;
/** How sandboxes say that there is no such call. */
const EPERM = 1;
const ENOSYS = 38;
/** The times of a file advance in ticks: it can change twice in one. Seconds after which that one is over for sure. */
const TICK = 2;

/** Musl had none for long. */
const [has_statx] = pcall(() => C.sluice_statx);
const state = ffi.new("struct sluice_statx") as ffi.CData & {
  mode: number;
  inode: unknown;
  size: unknown;
  changed: StatxTime;
  modified: StatxTime;
};

const UNKNOWN: FileState = { version: undefined, is_regular: true, size: 0 };

function time_text({ seconds, nanoseconds }: StatxTime): string {
  return string.format("%d.%09d", tonumber(seconds), nanoseconds);
}

/** How a file is now. Any phase. Returns undefined and the cause when there is none. */
export function state_of(path: string): LuaMultiReturn<[FileState | undefined, string | undefined]> {
  if (!has_statx) return $multi(UNKNOWN, undefined);
  if (C.sluice_statx(AT_FDCWD, path, 0, BASIC_STATS, state) === -1) {
    const code = ffi.errno();
    if (code === EPERM || code === ENOSYS) return $multi(UNKNOWN, undefined);
    return $multi(undefined, reason());
  }
  const { mode, changed, modified } = state;
  const size = tonumber(state.size) as number;
  const version = `${tostring(state.inode)} ${size} ${time_text(changed)} ${time_text(modified)}`;
  const is_recent = math.abs(clock.wall_time() - (tonumber(changed.seconds) as number)) < TICK;
  const is_regular = math.floor(mode / FORMAT_UNIT) % FORMATS === REGULAR;
  return $multi({ version: is_recent ? undefined : version, is_regular, size }, undefined);
}
