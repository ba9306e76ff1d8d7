import { type Cell, Row, type RowNumber } from "./cells";
import { exclusively, fence } from "./dict";
import { row_at, shared_memory } from "./region";

/**
 * The rare cells of rows. A page of them takes memory only when it is first touched, even by a read, so that
 * servers without the features that use them take less.
 */

/** A row of no server. Its cells are those of a new server. */
const NONE = 0 as RowNumber;

/** Sets the values that are not 0, and then allows writes. */
function fill(row: Cell): void {
  const memory = shared_memory();
  memory[row + Row.LAST_PASSED] = -1;
  for (const cell of $range(row + Row.UTILIZATION, row + Row.EPS)) memory[cell] = -1;
  // A worker that sees the flag may write at once, so the values must be there first.
  fence();
  memory[row + Row.USES_RARE] = 1;
}

/** Returns whether the server at a row has rare cells. Any phase. */
export function has_rare_cells(row: Cell): boolean {
  return shared_memory()[row + Row.USES_RARE] !== 0;
}

/**
 * Lets the rare cells of a server be written. Two workers may do so at the same time: the second one must not
 * overwrite what the first one has written since. Any phase, but not within `exclusively`.
 */
export function use_rare_cells(row: Cell): void {
  if (has_rare_cells(row)) return;
  exclusively(() => {
    if (!has_rare_cells(row)) fill(row);
  });
}

/** Returns the row whose rare cells tell about a server: its own, or one with those of a new server. */
export function rare_cells_of(row: Cell): Cell {
  if (shared_memory()[row + Row.USES_RARE] !== 0) return row;
  const none = row_at(NONE);
  // Nothing else is ever written there, so that this needs no lock.
  if (!has_rare_cells(none)) fill(none);
  return none;
}

/** Clears the rare cells of the last server at a row. */
export function clear_rare_cells(row: Cell): void {
  const memory = shared_memory();
  const kinds = [Row.FAILED_AT, Row.REPORTED_AT, Row.COMPARED_RESPONSES];
  for (const first of kinds) {
    for (const cell of $range(row + first, row + first + Row.COMMON - 1)) memory[cell] = 0;
  }
}
