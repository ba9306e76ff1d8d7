import type { CData, NumberPointer } from "ffi";

import { begun_of } from "../../store/memory/region";
import { type LiveServer, Own } from "./model";
import { key_of } from "./request_key";

/**
 * When each request under way began, for `least_time` with `inflight`: trouble shows before the first ends.
 * Hot.
 */

let memory: NumberPointer;
/** The beginning of each request, in milliseconds of the monotonic clock, by its address. */
const begun_at = new LuaTable<number, number | undefined>();
/** The number of entries in `begun_at`. Mostly 0, which saves a look-up. */
let count = 0;

/** Sets the shared memory that holds the sums. Phase: init_worker_by_lua. */
export function use_sums(shared: NumberPointer): void {
  memory = shared;
}

/** Notes that a request goes to `server`. `now`: the monotonic clock. */
export function note_begin(request: CData, server: LiveServer, now: number): void {
  const begun = math.floor(now * 1000 + 0.5);
  begun_at.set(key_of(request), begun);
  count = count + 1;
  const cell = begun_of(server[Own.ACTIVE]);
  memory[cell] = memory[cell] + begun;
}

/** Notes that a request has left `server`. */
export function note_end(request: CData, server: LiveServer): void {
  if (count === 0) return;
  const key = key_of(request);
  const begun = begun_at.get(key);
  if (begun === undefined) return;
  begun_at.delete(key);
  count = count - 1;
  const cell = begun_of(server[Own.ACTIVE]);
  memory[cell] = memory[cell] - begun;
}
