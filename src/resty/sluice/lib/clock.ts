import * as ffi from "ffi";

import { read_file } from "./file";

/**
 * The two clocks. Durations, deadlines and expiries use the monotonic clock, which all processes share and
 * nobody sets. The time of day is only for timestamps: those that people read, and those that other machines
 * send.
 */

/** A moment of the monotonic clock, in seconds. 0 means "never". */
export type Moment = number;

interface Timespec extends ffi.CData {
  seconds: unknown;
  nanoseconds: unknown;
}

interface Libc {
  sluice_current_msec: unknown;
  sluice_clock_gettime: (this: void, clock: number, time: Timespec) => number;
}

// The asm names avoid conflicts with other modules' declarations of the same symbols.
ffi.cdef(`
  struct sluice_timespec { long seconds; long nanoseconds; };
  extern volatile int64_t sluice_current_msec __asm__("ngx_current_msec");
  int sluice_clock_gettime(int, struct sluice_timespec *) __asm__("clock_gettime");
`);

const C = ffi.C as Libc;
const CLOCK_MONOTONIC = 1;
const CLOCK_PROCESS_CPUTIME_ID = 2;
/** Added to the time since boot, so that 0, which means "never", is long ago even right after boot. */
const SECONDS_BEFORE_BOOT = 1_000_000_000;

const read_time = ffi.new("struct sluice_timespec") as Timespec;

/** As `now`, but reads the kernel's clock, which also advances within a turn of the event loop. Any phase. */
export function kernel_now(this: void): Moment {
  C.sluice_clock_gettime(CLOCK_MONOTONIC, read_time);
  const seconds = tonumber(read_time.seconds) as number;
  return SECONDS_BEFORE_BOOT + seconds + (tonumber(read_time.nanoseconds) as number) / 1e9;
}

/** Returns the CPU time that this process has used, in seconds. Any phase. */
export function cpu_time(this: void): number {
  C.sluice_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, read_time);
  return (tonumber(read_time.seconds) as number) + (tonumber(read_time.nanoseconds) as number) / 1e9;
}

/** Not looked up in each request. */
const to_number = tonumber;

/** Reads nginx's own monotonic clock (`ngx_current_msec`), which each turn of the event loop updates. */
function nginx_now(this: void): Moment {
  return SECONDS_BEFORE_BOOT + (to_number(C.sluice_current_msec) as number) / 1000;
}

/** False outside nginx, as in unit tests. */
const [has_nginx] = pcall(() => C.sluice_current_msec);
const is_readable = has_nginx && ffi.abi("64bit");

/** The monotonic clock: seconds since long before the boot, the same within a turn of the event loop. Hot. */
export const now: (this: void) => Moment = is_readable ? nginx_now : kernel_now;

/** Returns the time of day: seconds since 1970, for timestamps. It can jump. Any phase. */
export function wall_time(): number {
  return ngx.now();
}

/** The smallest step of the time of day that counts, in seconds: both clocks are read in milliseconds. */
const SMALLEST_STEP = 0.1;
/** How far the time of day is ahead of the monotonic clock, in seconds. */
let offset = 0;

/**
 * Returns how far the time of day is ahead of the monotonic clock, in seconds. It stays exactly the same
 * until the time of day is set, so that a moment is always shown as the same time. Any phase.
 */
export function wall_offset(): number {
  const current = ngx.now() - now();
  if (math.abs(current - offset) > SMALLEST_STEP) offset = current;
  return offset;
}

/** Keeps the offset that an earlier process has found, unless the time of day was set. Phase: init_by_lua. */
export function keep_wall_offset(earlier: number): void {
  offset = earlier;
}

/** Returns the time of day of a moment of the monotonic clock, in seconds since 1970. Any phase. */
export function wall_time_of(moment: Moment): number {
  return moment + wall_offset();
}

/** Returns the moment of the monotonic clock at a time of day in seconds since 1970. Any phase. */
export function moment_of(time: number): Moment {
  return time - wall_offset();
}

/** Returns an identifier of the current boot, at which the monotonic clock restarts. Any phase. */
export function boot_id(): string | undefined {
  const [text] = read_file("/proc/sys/kernel/random/boot_id", 64);
  return text === undefined ? undefined : string.match(text, "[^\n]+")[0];
}
