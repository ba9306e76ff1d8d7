import { new as new_object, type NumberPointer } from "ffi";

import { type Cell, Row, type RowNumber } from "../../store/memory/cells";
import { Slot } from "../../store/memory/header_cells";
import {
  CODE_STEP,
  Counter,
  LAST_CODE,
  RARE_CODES,
  type UpstreamCounter,
} from "../../store/memory/counter_cells";
import {
  counter_at,
  offset_of,
  rare_codes_of,
  shared_memory,
  slot_at,
  stamp_at,
} from "../../store/memory/region";
import { take_slot } from "../../store/memory/slots";
import { use_endings } from "./endings";
import { type Counted, type LiveServer, Own } from "./model";
import { own, use_own_memory } from "./own_memory";

/** The counters of this worker, in cells that only it writes. Hot: they run in each request. */

/** The slot of this worker; 0: none yet. */
let slot = 0;
/** The distance from the first cell of a row in `active` or `begun` to the cell of this worker. */
let offset = 0;
/** Counts the requests of a worker without a slot. */
const unused = new_object("double[1]") as NumberPointer;
own.requests = unused;

/** Returns a pointer to a cell. */
function pointer_to(shared: NumberPointer, cell: number): NumberPointer {
  return ((shared as unknown as number) + cell) as unknown as NumberPointer;
}

/** Sets the shared memory and the slot to count in. Phase: init_worker_by_lua. */
export function use_slot(shared: NumberPointer, own_slot: number): void {
  use_own_memory(shared);
  slot = own_slot;
  offset = offset_of(own_slot);
  own.requests = own_slot === 0 ? unused : pointer_to(shared, slot_at(own_slot) + Slot.REQUESTS);
  use_endings(shared, own_slot);
}

/**
 * Tells whether this worker has a slot, or takes one. Without a slot it must not choose servers, because the
 * others would not see its requests. Not hot: called before a worker first serves an upstream.
 */
export function has_slot(): boolean {
  if (slot !== 0) return true;
  const taken = take_slot();
  if (taken === undefined) return false;
  use_slot(shared_memory(), taken);
  ngx.log(ngx.NOTICE, "sluice: this worker has a slot for its counters now and serves requests");
  return true;
}

/** Returns this worker's cell of a row. `first`: the result of `active_at` or `begun_at`. */
export function own_cell(first: Cell): Cell {
  return (first + offset) as Cell;
}

/** Resets this worker's cells of a row for a new incarnation. Returns the stamp and the counters. */
export function adopt(row: RowNumber, incarnation: number): LuaMultiReturn<[Cell, Cell]> {
  const stamp = stamp_at(slot, row);
  const at = counter_at(slot, row);
  if (own.memory[stamp] !== incarnation) {
    const rare = rare_codes_of(at);
    if (own.memory[at + LAST_CODE] !== 0)
      for (const cell of $range(rare, rare + RARE_CODES - 1)) own.memory[cell] = 0;
    for (const cell of $range(at, at + LAST_CODE)) own.memory[cell] = 0;
    own.memory[stamp] = incarnation;
  }
  return $multi(stamp, at);
}

/** Counts a request that has ended, to any location. */
export function count_logged(): void {
  own.requests[0] = own.requests[0] + 1;
}

/** Returns the number of this worker's requests under way at `server`. */
export function own_in_flight(server: LiveServer): number {
  return own.memory[server[Own.ACTIVE]];
}

/** Counts a request that goes to `server`. `now`: the monotonic clock. */
export function count_request(server: LiveServer, now: number): void {
  const active = server[Own.ACTIVE];
  const total = server.upstream[Own.ACTIVE];
  own.memory[active] = own.memory[active] + 1;
  own.memory[total] = own.memory[total] + 1;
  if (own.memory[server[Own.STAMP]] !== server.incarnation) return;
  const requests = server[Own.COUNTERS] + Counter.REQUESTS;
  own.memory[requests] = own.memory[requests] + 1;
  own.memory[server.row + Row.SELECTED] = now;
}

/** Counts that a request is no longer in flight at `server`. */
function leave(server: LiveServer): void {
  const active = server[Own.ACTIVE];
  const { upstream } = server;
  const total = upstream[Own.ACTIVE];
  own.memory[active] = own.memory[active] - 1;
  own.memory[total] = own.memory[total] - 1;
  const ease = upstream[Own.EASE];
  if (ease !== false) ease(server);
}

export { leave as count_inactive };

/** Adds to a counter, unless the row belongs to another server or upstream now. */
export function count_at(owner: Counted, counter: Counter | UpstreamCounter, by: number): void {
  if (own.memory[owner[Own.STAMP]] !== owner.incarnation) return;
  const at = owner[Own.COUNTERS] + counter;
  own.memory[at] = own.memory[at] + by;
}

/** Takes back `count_request`. */
export function uncount_request(server: LiveServer): void {
  leave(server);
  count_at(server, Counter.REQUESTS, -1);
}

/** Counts the end of a request at `server`. `failures`: 1 if it failed. */
export function count_end(server: LiveServer, failures: number): void {
  leave(server);
  count_at(server, Counter.FAILS, failures);
}

/** Counts a status in one of some cells. Returns false if all of them are for other codes. */
function count_code(first: number, last: number, status: number): boolean {
  for (const cell of $range(first, last)) {
    const value = own.memory[cell];
    if (value === 0) {
      own.memory[cell] = status + CODE_STEP;
      return true;
    }
    if (value % CODE_STEP === status) {
      own.memory[cell] = value + CODE_STEP;
      return true;
    }
  }
  return false;
}

/** Counts a response by its status. Only the first 18 different codes of a server are counted. */
export function count_response(server: LiveServer, status: number): void {
  const at = server[Own.COUNTERS];
  if (own.memory[server[Own.STAMP]] !== server.incarnation) return;
  if (count_code(at + Counter.FIRST_CODE, at + LAST_CODE, status)) return;
  const rare = rare_codes_of(at);
  count_code(rare, rare + RARE_CODES - 1, status);
}

/** Counts a request that its only attempt has answered, without a loop: most requests are of this kind. */
export function count_success(server: LiveServer, status: number, sent: number, received: number): void {
  const at = server[Own.COUNTERS];
  leave(server);
  if (own.memory[server[Own.STAMP]] !== server.incarnation) return;
  own.memory[at + Counter.SENT] = own.memory[at + Counter.SENT] + sent;
  own.memory[at + Counter.RECEIVED] = own.memory[at + Counter.RECEIVED] + received;
  const codes = own.memory[at + Counter.FIRST_CODE];
  if (codes % CODE_STEP === status) own.memory[at + Counter.FIRST_CODE] = codes + CODE_STEP;
  else count_response(server, status);
}
