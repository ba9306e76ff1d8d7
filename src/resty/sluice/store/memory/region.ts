import type { NumberPointer } from "ffi";
import type { Result } from "../../lib/result";

import { type Cell, Row, type RowNumber, RowPlace } from "./cells";
import { Header, Slot } from "./header_cells";
import { COMMON_CODES, Counter, LAST_CODE, RARE_CODES, TimeCell } from "./counter_cells";
import { doubles_at, map_shared } from "./posix";

/**
 * The memory that all workers share. It is mapped before the workers are forked, and consists of 64-bit
 * floats, each of which the processor reads and writes as a whole. A page takes physical memory when it is
 * first touched, even by a read.
 *
 *   header    the store's variables: revision, file descriptors, free rows
 *   changes   what the last revisions changed: a ring
 *   slots     one for each worker; slot 0 holds what a reset subtracts; one more ends the list
 *   endings   slots × 64: the rows at which a worker's requests have ended last, a ring
 *   rows      one for each server and each upstream: the state that the workers share. They are in blocks
 *             of 128 rows: first the common cells of all of them, then three kinds of rare ones, which are
 *             touched only for the servers that use them
 *   active    banks × rows × 8 slots: the requests that a worker has under way at a row. The cells of a
 *             row in a bank are adjacent, to be summed. A bank that no worker needs is never touched
 *   begun     in the same way, the sum of the start times of those requests in milliseconds, where a
 *             method needs their age; at an upstream's own row: its retries under way
 *   stamps    slots × rows: the incarnation of the server that the counters are for; 0: never counted
 *   counters  slots × rows: the other counters of a worker
 *   rare      slots × rows: the counters of further status codes, after those that have room there
 *   times     groups × slots × rows: the histograms of a worker. A group of buckets is touched once a
 *             server has responded within its times
 *
 * Each cell of the last six parts is written by one worker only, so no update is lost.
 */

/** The version of this layout. A reload to another version of this module must not misread the memory. */
const LAYOUT = 18;
/** The number of changes that are kept; a power of two. */
export const CHANGES = 2048;
/** The cells of a change, with the bytes of the longest name. */
const CHANGE_SIZE = 23;
/** The cells of a cache line. */
const LINE = 8;
const FIRST_CHANGE = math.ceil(Header.CELLS / LINE) * LINE;
const HEADER_SIZE = FIRST_CHANGE + CHANGES * CHANGE_SIZE;
const SLOT_SIZE = 16;
/** The number of ended requests that are kept of a worker. */
export const ENDINGS = 64;
/** The cells of a page of memory. */
const PAGE = 512;
const COUNTER_SIZE = LAST_CODE + 1;
/** The number of groups of buckets. */
export const TIME_GROUPS = 5;
/** The slot whose counters hold what resets subtract, as numbers below 0. */
export const RESET_SLOT = 0;
/** The number of slots in a bank: a cache line. Slot 0 is in no bank. */
const BANK = 8;
const BYTES = 8;
/** The cells that tell whether the 5th, 9th and 17th slot were ever taken. */
const FIFTH_USED = HEADER_SIZE + 5 * SLOT_SIZE + Slot.USED;
const NINTH_USED = HEADER_SIZE + 9 * SLOT_SIZE + Slot.USED;
const SEVENTEENTH_USED = HEADER_SIZE + 17 * SLOT_SIZE + Slot.USED;

let memory: NumberPointer | undefined;
let first_ending = 0;
let first_row = 0;
let first_active = 0;
let first_begun = 0;
let first_stamp = 0;
let first_counter = 0;
let first_rare = 0;
let first_time = 0;
/** The distance from the cells of a group of buckets to those of the next group. */
let group_size = 0;
let rows = 0;
let slots = 0;
/** The distance from a row's cells in one bank to those in the next. */
let bank_size = 0;

/** Returns the memory. Raises before `create` or `attach` has run. */
export function shared_memory(): NumberPointer {
  return memory ?? error("resty.sluice: setup() was not called in init_by_lua", 0);
}

/** Returns the offset of a slot's cells. */
export function slot_at(slot: number): Cell {
  return (HEADER_SIZE + slot * SLOT_SIZE) as Cell;
}

/** Returns the offset of an ended request of a slot, by its number. */
export function ending_at(slot: number, index: number): Cell {
  return (first_ending + slot * ENDINGS + (index % ENDINGS)) as Cell;
}

/** Uses memory that was mapped before a reload. Returns false when its layout differs. */
export function attach(address: number): boolean {
  const attached = doubles_at(address);
  if (attached[Header.LAYOUT] !== LAYOUT) return false;
  memory = attached;
  rows = attached[Header.ROWS];
  slots = attached[Header.SLOTS];
  first_ending = slot_at(slots + 1);
  first_row = math.ceil((first_ending + slots * ENDINGS) / PAGE) * PAGE;
  first_active = first_row + math.ceil(rows / RowPlace.ROWS) * RowPlace.BLOCK;
  bank_size = rows * BANK;
  first_begun = first_active + rows * (slots - 1);
  first_stamp = first_begun + rows * (slots - 1);
  first_counter = first_stamp + slots * rows;
  first_rare = first_counter + slots * rows * COUNTER_SIZE;
  first_time = first_rare + slots * rows * RARE_CODES;
  group_size = slots * rows * TimeCell.CELLS;
  return true;
}

function cells_of(row_count: number, slot_count: number): number {
  const cells_a_slot = 1 + COUNTER_SIZE + RARE_CODES + TIME_GROUPS * TimeCell.CELLS;
  const cells_a_row = 2 * (slot_count - 1) + slot_count * cells_a_slot;
  const blocks = math.ceil(row_count / RowPlace.ROWS);
  const head = slot_at(slot_count + 1) + slot_count * ENDINGS + PAGE;
  return head + blocks * RowPlace.BLOCK + row_count * cells_a_row;
}

/**
 * Maps the memory for so many servers and upstreams, and at least so many workers, including old ones that
 * finish their requests. Returns its address. Phase: init_by_lua.
 */
export function create(row_count: number, worker_count: number): Result<number> {
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

/** Returns the offset of the change that made a revision. */
export function change_at(revision: number): Cell {
  return (FIRST_CHANGE + (revision % CHANGES) * CHANGE_SIZE) as Cell;
}

/** Returns the offset of a row's cells. */
export function row_at(row: RowNumber): Cell {
  const block = math.floor(row / RowPlace.ROWS);
  return (first_row + row * RowPlace.SIZE + block * (RowPlace.BLOCK - RowPlace.HEALTH)) as Cell;
}

/** Returns the number of the row whose cells begin at an offset. */
export function row_number_of(row: Cell): RowNumber {
  const block = math.floor((row - first_row) / RowPlace.BLOCK);
  const cells = row - first_row - block * (RowPlace.BLOCK - RowPlace.HEALTH);
  return (cells / RowPlace.SIZE) as RowNumber;
}

/** Returns the offset of a row's requests under way: its cells in the first bank. */
export function active_at(row: RowNumber): Cell {
  return (first_active + row * BANK) as Cell;
}

/** Returns the offset of the sums of their start times, in the same way. */
export function begun_at(row: RowNumber): Cell {
  return (first_begun + row * BANK) as Cell;
}

/** Returns the cell of the sum of the start times that belongs to a cell of `active`. */
export function begun_of(active: Cell): Cell {
  return (active + first_begun - first_active) as Cell;
}

/** Returns the distance of a slot's cell from the offset that `active_at` or `begun_at` returns. */
export function offset_of(slot: number): number {
  const index = slot - 1;
  return math.floor(index / BANK) * bank_size + (index % BANK);
}

/** Returns whether a slot, or a later one, was ever taken; for slot 0, whether anything was ever reset. */
export function is_used(slot: number): boolean {
  return shared_memory()[slot_at(slot) + Slot.USED] === 1;
}

/** Returns the last slot that was ever taken; 0: none. */
export function last_slot(): number {
  let slot = 0;
  while (is_used(slot + 1)) slot += 1;
  return slot;
}

function sum_of_four(cells: NumberPointer, first: number): number {
  return cells[first] + cells[first + 1] + cells[first + 2] + cells[first + 3];
}

/** Sums up a row's cells in the banks after the second that begin with a slot that was ever taken. */
function sum_of_later_banks(cells: NumberPointer, second: number): number {
  let sum = 0;
  let bank = second;
  let slot = 2 * BANK + 1;
  while (is_used(slot)) {
    bank = bank + bank_size;
    slot = slot + BANK;
    for (const cell of $range(bank, bank + BANK - 1)) sum = sum + cells[cell];
  }
  return sum;
}

/** Sums up a row's cells of all slots, from its first. Unused slots hold 0. Hot: no loop for few workers. */
export function sum_of_slots(first: Cell): number {
  const cells = memory as NumberPointer;
  let sum = sum_of_four(cells, first);
  if (cells[FIFTH_USED] === 0) return sum;
  sum = sum + sum_of_four(cells, first + 4);
  if (cells[NINTH_USED] === 0) return sum;
  const second = first + bank_size;
  sum = sum + sum_of_four(cells, second) + sum_of_four(cells, second + 4);
  if (cells[SEVENTEENTH_USED] === 0) return sum;
  return sum + sum_of_later_banks(cells, second);
}

/** Returns the stamp of a row. */
export function stamp_of(row: RowNumber): number {
  return shared_memory()[row_at(row) + Row.STAMP];
}

/** Returns the offset of a row's stamp in a slot. */
export function stamp_at(slot: number, row: RowNumber): Cell {
  return (first_stamp + slot * rows + row) as Cell;
}

/** Returns the offset of a row's counters in a slot. */
export function counter_at(slot: number, row: RowNumber): Cell {
  return (first_counter + (slot * rows + row) * COUNTER_SIZE) as Cell;
}

/** Returns the offset of the cells of further status codes that belong to counters. */
export function rare_codes_of(counters: Cell): Cell {
  return (first_rare + ((counters - first_counter) / COUNTER_SIZE) * RARE_CODES) as Cell;
}

/** Returns the cell of a status code by its index, from 0, of the counters at an offset. */
export function code_cell(counters: Cell, index: number): Cell {
  if (index < COMMON_CODES) return (counters + Counter.FIRST_CODE + index) as Cell;
  return (rare_codes_of(counters) + index - COMMON_CODES) as Cell;
}

/** Returns the offset of the histograms that belong to counters: of the first group of buckets. */
export function times_of(counters: Cell): Cell {
  return (first_time + ((counters - first_counter) / COUNTER_SIZE) * TimeCell.CELLS) as Cell;
}

/** Returns the offset of a group of buckets, from 0, of the histograms at an offset. */
export function group_at(times: Cell, group: number): Cell {
  return (times + group * group_size) as Cell;
}

/** Returns the offsets of a row's counters in all slots that have counted for this stamp. Any phase. */
export function counters_of(row: RowNumber, stamp: number): Cell[] {
  const cells = shared_memory();
  const places: Cell[] = [];
  for (const slot of $range(0, last_slot())) {
    if (is_used(slot) && cells[stamp_at(slot, row)] === stamp) places.push(counter_at(slot, row));
  }
  return places;
}

/** Notes that the health of a server differs from the saved one, so that it is saved again. Any phase. */
export function touch_health(): void {
  const cells = shared_memory();
  cells[Header.HEALTH_REVISION] = cells[Header.HEALTH_REVISION] + 1;
}

/** Returns the revision of the last change of any upstream. Any phase. */
export function revision(): number {
  return shared_memory()[Header.REVISION];
}

/**
 * Tells whether a row still belongs to what a worker knows it as, a server or an upstream. The view of a
 * worker without requests may be some seconds old. Any phase.
 */
export function is_present({ row, incarnation }: { row: Cell; incarnation: number }): boolean {
  return shared_memory()[row + Row.STAMP] === incarnation;
}
