import type { NumberPointer } from "ffi";

import { Header, Row, Slot } from "./cells";
import { doubles_at, map_shared } from "./posix";

/**
 * The memory that all workers share, mapped before they are forked: numbers (64-bit floats, each read and written
 * whole by the processor) in parts. A page of it takes memory from when it is first touched, even by a read.
 *
 *   header    what the store knows: revision, descriptors, free rows
 *   changes   which upstreams the last revisions changed: a ring
 *   slots     who counts where: a slot a worker; slot 0 is nobody's and holds what a reset takes off
 *   rows      one a server and one an upstream: what its workers share
 *   active    rows × slots: the requests that a worker has under way there; a row's cells side by side, to be summed
 *   begun     rows × slots: the sum of the milliseconds at which those began, where a method asks for their age; at an
 *             upstream's own row: its retries under way
 *   stamps    slots × rows: whose the counters are: the incarnation of a server; 0: never counted
 *   counters  slots × rows: what else a worker counts
 *
 * A cell of the last four is written by one worker only, so nothing is ever lost.
 */

/** Rises when the memory's form changes: a reload to another version of this module must not read it wrongly. */
const LAYOUT = 6;
/** How many changes are kept; a power of two. */
export const CHANGES = 256;
/** Of a change: the length of the upstream's name, then its bytes, eight a cell. */
const CHANGE_SIZE = 17;
const FIRST_CHANGE = 64;
const HEADER_SIZE = FIRST_CHANGE + CHANGES * CHANGE_SIZE;
const SLOT_SIZE = 8;
/** Whole cache lines, of which most requests touch the first only. */
const ROW_SIZE = 48;
export const LAST_OF_ROW = ROW_SIZE - 1;
const COUNTER_SIZE = 40;
const BYTES = 8;

let memory: NumberPointer | undefined;
let first_row = 0;
let first_active = 0;
let first_begun = 0;
let first_stamp = 0;
let first_counter = 0;
let rows = 0;
let slots = 0;

/** The memory; raises before `create` or `attach` has run. */
export function shared_memory(): NumberPointer {
  return memory ?? error("resty.sluice: setup() was not called in init_by_lua", 0);
}

/** Uses the memory at `address`, made by this process before a reload. Returns false when it has another form. */
export function attach(address: number): boolean {
  const attached = doubles_at(address);
  if (attached[Header.LAYOUT] !== LAYOUT) return false;
  memory = attached;
  rows = attached[Header.ROWS];
  slots = attached[Header.SLOTS];
  first_row = HEADER_SIZE + slots * SLOT_SIZE;
  first_active = first_row + rows * ROW_SIZE;
  first_begun = first_active + rows * slots;
  first_stamp = first_begun + rows * slots;
  first_counter = first_stamp + slots * rows;
  return true;
}

function cells_of(row_count: number, slot_count: number): number {
  return HEADER_SIZE + slot_count * SLOT_SIZE + row_count * (ROW_SIZE + slot_count * (3 + COUNTER_SIZE));
}

/**
 * Maps the memory. Phase: init_by_lua.
 *
 * @param row_count how many servers and upstreams there can be
 * @param slot_count how many workers there can be, old ones that still finish their requests included
 * @returns its address, or undefined and the cause
 */
export function create(
  row_count: number,
  slot_count: number,
): LuaMultiReturn<[number | undefined, string | undefined]> {
  const cells = cells_of(row_count, slot_count);
  const [address, cause] = map_shared(cells * BYTES);
  if (address === undefined) return $multi(undefined, `could not map ${cells * BYTES} bytes: ${cause ?? ""}`);
  const created = doubles_at(address);
  created[Header.ROWS] = row_count;
  created[Header.SLOTS] = slot_count;
  created[Header.NEXT_ROW] = 1;
  created[Header.LAYOUT] = LAYOUT;
  attach(address);
  return $multi(address, undefined);
}

/** Memory of the same form that nobody shares: for a worker that has no slot. Phase: init_worker_by_lua. */
export function map_private(): NumberPointer {
  const cells = shared_memory();
  const [address, cause] = map_shared(cells_of(cells[Header.ROWS], cells[Header.SLOTS]) * BYTES);
  return doubles_at(address ?? error(`could not map memory: ${cause ?? ""}`, 0));
}

/** Where the change that made a revision is kept. */
export function change_at(revision: number): number {
  return FIRST_CHANGE + (revision % CHANGES) * CHANGE_SIZE;
}

/** Where a slot's cells begin. */
export function slot_at(slot: number): number {
  return HEADER_SIZE + slot * SLOT_SIZE;
}

/** Where a row's cells begin. */
export function row_at(row: number): number {
  return first_row + row * ROW_SIZE;
}

/** Where the requests under way at a row stand: its cell of slot 0; those of the other slots follow. */
export function active_at(row: number): number {
  return first_active + row * slots;
}

/** Where the sums of their beginnings stand, in the same way. */
export function begun_at(row: number): number {
  return first_begun + row * slots;
}

/** Whose a row is. */
export function stamp_of(row: number): number {
  return shared_memory()[row_at(row) + Row.STAMP];
}

/** Where the stamp of a row in a slot is. */
export function stamp_at(slot: number, row: number): number {
  return first_stamp + slot * rows + row;
}

/** Where the counters of a row in a slot begin. */
export function counter_at(slot: number, row: number): number {
  return first_counter + (slot * rows + row) * COUNTER_SIZE;
}

/** Where the counters of a row begin that were ever touched since it got its stamp: at most one place a slot. Any phase. */
export function counters_of(row: number, stamp: number): number[] {
  const cells = shared_memory();
  const places: number[] = [];
  for (const slot of $range(0, cells[Header.LAST_SLOT])) {
    const used = cells[slot_at(slot) + Slot.USED] === 1;
    if (used && cells[stamp_at(slot, row)] === stamp) places.push(counter_at(slot, row));
  }
  return places;
}
