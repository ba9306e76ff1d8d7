import { pause } from "../../lib/pause";
import type { Result } from "../../lib/result";
import * as posix from "../memory/posix";
import { begin_sync, end_of_sync, text_of } from "./aio";

/** Waits for the disk. The option `fsync`: whether each change is forced to it before it is acknowledged. */

let is_on = false;

/** Sets whether changes are forced to the disk. Phase: init_by_lua. */
export function set_fsync(on: boolean): void {
  is_on = on;
}

/** Returns whether changes are forced to the disk. Any phase. */
export function forces_changes(): boolean {
  return is_on;
}

/** Phases in which nothing can wait, and the process may still fork. */
function must_block(): boolean {
  const phase = ngx.get_phase();
  return phase === "init" || phase === "init_worker";
}

/**
 * Waits until the disk holds a file. Other work of the worker goes on meanwhile, except in phases that cannot
 * sleep, and where Linux offers no asynchronous `fdatasync`.
 */
export function sync_file(fd: number): Result<true> {
  const id = must_block() ? undefined : begin_sync(fd);
  if (id === undefined) return posix.sync_file(fd);
  let code = end_of_sync(id, true);
  while (code === undefined) {
    pause();
    code = end_of_sync(id, false);
  }
  return $multi(code === 0 ? true : undefined, code === 0 ? undefined : text_of(code));
}

/** As `sync_file`, if changes are forced to the disk. */
export function sync_change(this: void, fd: number): Result<true> {
  if (!is_on) return $multi(true, undefined);
  return sync_file(fd);
}
