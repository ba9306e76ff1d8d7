import { NO_ID, Row, type RowNumber, UpstreamRow } from "./cells";
import { Header } from "./header_cells";
import { forget_reason } from "./reasons";
import { Check, State } from "./states";
import { clear_rare_cells, use_rare_cells } from "./rare_cells";
import { active_at, row_at, shared_memory, sum_of_slots, touch_health } from "./region";

/** The rows of the shared memory, and the list of free rows. */

/** Returns the number of requests under way at a row, over all workers. Any phase. */
export function active_requests(row: RowNumber): number {
  return sum_of_slots(active_at(row));
}

/** Frees a row. It is reused after all other free rows. The caller holds the write lock. */
export function free_row(row: RowNumber): void {
  const cells = shared_memory();
  const is_server = cells[row_at(row) + Row.ID] !== NO_ID;
  const state: State = cells[row_at(row) + Row.STATE];
  if (is_server && state !== State.UP) forget_reason(row);
  cells[row_at(row) + Row.STAMP] = 0;
  cells[row_at(row) + Row.NEXT_FREE] = 0;
  if (cells[Header.FREE_ROW] === 0) cells[Header.FREE_ROW] = row;
  else cells[row_at(cells[Header.LAST_FREE_ROW] as RowNumber) + Row.NEXT_FREE] = row;
  cells[Header.LAST_FREE_ROW] = row;
}

/** Forgets which rows are free, so that the list can be made anew. The caller holds the write lock. */
export function forget_free_rows(): void {
  const cells = shared_memory();
  cells[Header.FREE_ROW] = 0;
  cells[Header.LAST_FREE_ROW] = 0;
}

/** The number of free rows at which an allocation looks for one without requests. */
const MOST_LOOKS = 16;

/** Takes a free row without requests under way, the one that has been free longest; undefined: none. */
function take_free_row(): RowNumber | undefined {
  const cells = shared_memory();
  for (const _ of $range(1, MOST_LOOKS)) {
    const row = cells[Header.FREE_ROW] as RowNumber;
    if (row === 0) return undefined;
    cells[Header.FREE_ROW] = cells[row_at(row) + Row.NEXT_FREE];
    if (active_requests(row) === 0) return row;
    free_row(row);
  }
  return undefined;
}

/**
 * Allocates a row for the server `id` with the incarnation `stamp`, or for an upstream. No request is under
 * way at the row, so that a worker's count of requests under way needs no stamp. Returns undefined when no
 * row is left. The caller holds the write lock.
 */
export function allocate_row(stamp: number, id = NO_ID): RowNumber | undefined {
  const cells = shared_memory();
  let row = take_free_row();
  if (row === undefined) {
    row = cells[Header.NEXT_ROW] as RowNumber;
    if (row >= cells[Header.ROWS]) return undefined;
    cells[Header.NEXT_ROW] = row + 1;
  }
  const at = row_at(row);
  // The revision stays: a worker that still serves an upstream which had this row must see that it is gone.
  if (cells[at + Row.USES_RARE] !== 0) clear_rare_cells(at);
  for (const cell of $range(at + UpstreamRow.REVISION + 1, at + Row.COMMON - 1)) cells[cell] = 0;
  if (id !== NO_ID) {
    cells[at + Row.HEADER_TIME] = -1;
    cells[at + Row.RESPONSE_TIME] = -1;
    cells[at + Row.EXPECTED_TIME] = -1;
  }
  cells[at + Row.ID] = id;
  cells[at + Row.STAMP] = stamp;
  return row;
}

/** Keeps requests away from the server at a row until a check has passed. */
export function hold_row(row: RowNumber, now: number): void {
  const cells = shared_memory();
  const at = row_at(row);
  use_rare_cells(at);
  cells[at + Row.CHECK] = Check.WANTED;
  cells[at + Row.STATE] = State.CHECKING;
  cells[at + Row.UNAVAILABLE_UNTIL] = math.huge;
  cells[at + Row.DOWN_SINCE] = now;
  touch_health();
}

/** Starts `slow_start` of the server at a row, if it has one. */
export function start_row(row: RowNumber, now: number): void {
  const cells = shared_memory();
  cells[row_at(row) + Row.STARTED_AT] = now;
  touch_health();
}
