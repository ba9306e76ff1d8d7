import type { NumberPointer } from "ffi";

import type { Endings, Peer } from "../../balancer/method";
import { Slot } from "../../store/memory/header_cells";
import { ending_at, row_number_of, slot_at } from "../../store/memory/region";
import type { LiveServer } from "./model";

/**
 * The servers at which requests have ended last, by the numbers of their rows, for methods that search among
 * many servers. Each worker writes a ring of its own, which all workers read. Hot.
 */

let memory: NumberPointer;
/** The slot of this worker, and the cell that counts what it has written. */
let slot = 0;
let written = 0;

/** Sets the shared memory and the slot of this worker. Phase: init_worker_by_lua. */
export function use_endings(shared: NumberPointer, own_slot: number): void {
  memory = shared;
  slot = own_slot;
  written = slot_at(own_slot) + Slot.ENDINGS;
}

function note(this: void, peer: Peer): void {
  const count = memory[written];
  memory[ending_at(slot, count)] = row_number_of((peer as LiveServer).row);
  memory[written] = count + 1;
}

function count_of(this: void, worker: number): number {
  const at = slot_at(worker);
  return memory[at + Slot.USED] === 0 ? -1 : memory[at + Slot.ENDINGS];
}

function number_at(this: void, worker: number, index: number): number {
  return memory[ending_at(worker, index)];
}

/** What methods read and write of the requests that have ended. */
export const endings: Endings = { note, count_of, number_at };
