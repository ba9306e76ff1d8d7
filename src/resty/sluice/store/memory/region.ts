import type { NumberPointer } from "ffi";

import { type Cell, Header, Row, type RowNumber, Slot } from "./cells";
import { doubles_at, map_shared } from "./posix";

/**
 * The memory that all workers share, mapped before they are forked: numbers (64-bit floats, each read and written
 * whole by the processor) in parts. A page of it takes memory from when it is first touched, even by a read.
 *
 *   header    what the store knows: revision, descriptors, free rows
 *   changes   which upstreams the last revisions changed: a ring
 *   slots     who counts where: a slot a worker; slot 0 is nobody's and holds what a reset takes off; one more ends them
 *   rows      one a server and one an upstream: what its workers share
 *   active    banks × rows × 16 slots: the requests that a worker has under way there; the cells of a row and a bank are
 *             side by side, to be summed, and a bank that no worker needs is never touched
 *   begun     the same of the milliseconds at which those began, their sum, where a method asks for their age; at an
 *             upstream's own row: its retries under way
 *   stamps    slots × rows: whose the counters are: the incarnation of a server; 0: never counted
 *   counters  slots × rows: what else a worker counts
 *
 * A cell of the last four is written by one worker only, so nothing is ever lost.
 */

/** Rises when the memory's form changes: a reload to another version of this module must not read it wrongly. */
const LAYOUT = 8;
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
/** How many slots' cells of a row are side by side: two cache lines. Slot 0 has none. */
const BANK = 16;
const BYTES = 8;
/** Whether so many slots were ever taken. */
const FIFTH_USED = HEADER_SIZE + 5 * SLOT_SIZE + Slot.USED;
const NINTH_USED = HEADER_SIZE + 9 * SLOT_SIZE + Slot.USED;
const SEVENTEENTH_USED = HEADER_SIZE + 17 * SLOT_SIZE + Slot.USED;

let memory: NumberPointer | undefined;
let first_row = 0;
let first_active = 0;
let first_begun = 0;
let first_stamp = 0;
let first_counter = 0;
let rows = 0;
let slots = 0;
/** From a row's cells of one bank to those of the next. */
let bank_size = 0;

/** The memory; raises before `create` or `attach` has run. */
export function shared_memory(): NumberPointer {
  return memory ?? error("resty.sluice: setup() was not called in init_by_lua", 0);
}

/** Where a slot's cells begin. */
export function slot_at(slot: number): Cell {
  return (HEADER_SIZE + slot * SLOT_SIZE) as Cell;
}

/** Uses the memory at `address`, made by this process before a reload. Returns false when it has another form. */
export function attach(address: number): boolean {
  const attached = doubles_at(address);
  if (attached[Header.LAYOUT] !== LAYOUT) return false;
  memory = attached;
  rows = attached[Header.ROWS];
  slots = attached[Header.SLOTS];
  first_row = slot_at(slots + 1);
  first_active = first_row + rows * ROW_SIZE;
  bank_size = rows * BANK;
  first_begun = first_active + rows * (slots - 1);
  first_stamp = first_begun + rows * (slots - 1);
  first_counter = first_stamp + slots * rows;
  return true;
}

function cells_of(row_count: number, slot_count: number): number {
  const cells_a_row = ROW_SIZE + 2 * (slot_count - 1) + slot_count * (1 + COUNTER_SIZE);
  return slot_at(slot_count + 1) + row_count * cells_a_row;
}

/**
 * Maps the memory. Phase: init_by_lua.
 *
 * @param row_count how many servers and upstreams there can be
 * @param worker_count how many workers there can be, old ones that still finish their requests included; rounded up
 * @returns its address, or undefined and the cause
 */
export function create(
  row_count: number,
  worker_count: number,
): LuaMultiReturn<[number | undefined, string | undefined]> {
  const slot_count = 1 + math.ceil(worker_count / BANK) * BANK;
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

/** Where the change that made a revision is kept. */
export function change_at(revision: number): Cell {
  return (FIRST_CHANGE + (revision % CHANGES) * CHANGE_SIZE) as Cell;
}

/** Where a row's cells begin. */
export function row_at(row: RowNumber): Cell {
  return (first_row + row * ROW_SIZE) as Cell;
}

/** Where the requests under way at a row stand: its cells of the first bank. */
export function active_at(row: RowNumber): Cell {
  return (first_active + row * BANK) as Cell;
}

/** Where the sums of their beginnings stand, in the same way. */
export function begun_at(row: RowNumber): Cell {
  return (first_begun + row * BANK) as Cell;
}

/** Where a slot's cell is, from where `active_at` or `begun_at` says that a row's cells begin. */
export function offset_of(slot: number): number {
  const index = slot - 1;
  return math.floor(index / BANK) * bank_size + (index % BANK);
}

/** Whether a slot, or a later one, was ever taken; of slot 0, whether anything was ever reset. */
export function is_used(slot: number): boolean {
  return shared_memory()[slot_at(slot) + Slot.USED] === 1;
}

/** The last slot that was ever taken; 0: none. */
export function last_slot(): number {
  let slot = 0;
  while (is_used(slot + 1)) slot += 1;
  return slot;
}

/** Of four cells. */
function sum_of_four(cells: NumberPointer, first: number): number {
  return cells[first] + cells[first + 1] + cells[first + 2] + cells[first + 3];
}

/** Of the banks after the first that begin with a slot that was ever taken. */
function sum_of_later_banks(cells: NumberPointer, first: number): number {
  let sum = 0;
  let bank = first;
  let slot = BANK + 1;
  while (is_used(slot)) {
    bank = bank + bank_size;
    slot = slot + BANK;
    for (const cell of $range(bank, bank + BANK - 1)) sum = sum + cells[cell];
  }
  return sum;
}

/**
 * Sums up what all slots hold of a row. Cells of slots that nobody has taken are 0. Hot: without a loop for few workers.
 *
 * @param first where `active_at` or `begun_at` says that the row's cells begin
 */
export function sum_of_slots(first: Cell): number {
  const cells = memory as NumberPointer;
  let sum = sum_of_four(cells, first);
  if (cells[FIFTH_USED] === 0) return sum;
  sum = sum + sum_of_four(cells, first + 4);
  if (cells[NINTH_USED] === 0) return sum;
  sum = sum + sum_of_four(cells, first + 8) + sum_of_four(cells, first + 12);
  if (cells[SEVENTEENTH_USED] === 0) return sum;
  return sum + sum_of_later_banks(cells, first);
}

/** Whose a row is. */
export function stamp_of(row: RowNumber): number {
  return shared_memory()[row_at(row) + Row.STAMP];
}

/** Where the stamp of a row in a slot is. */
export function stamp_at(slot: number, row: RowNumber): Cell {
  return (first_stamp + slot * rows + row) as Cell;
}

/** Where the counters of a row in a slot begin. */
export function counter_at(slot: number, row: RowNumber): Cell {
  return (first_counter + (slot * rows + row) * COUNTER_SIZE) as Cell;
}

/** Where the counters of a row begin that were ever touched since it got its stamp: at most one place a slot. Any phase. */
export function counters_of(row: RowNumber, stamp: number): Cell[] {
  const cells = shared_memory();
  const places: Cell[] = [];
  for (const slot of $range(0, last_slot())) {
    if (is_used(slot) && cells[stamp_at(slot, row)] === stamp) places.push(counter_at(slot, row));
  }
  return places;
}

/** The revision of the last change of any upstream. Any phase. */
export function revision(): number {
  return shared_memory()[Header.REVISION];
}
