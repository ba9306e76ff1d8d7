import { type Cell, Row, type RowNumber } from "./cells";
import { row_at, shared_memory } from "./region";

/**
 * The rare cells of rows. A page of them takes memory only when it is first touched, even by a read, so that
 * servers without the features that use them take less.
 */

/** A row of no server. Its cells are those of a new server. */
const NONE = 0 as RowNumber;

/** Sets the values that are not 0. */
function fill(row: Cell): void {
  const memory = shared_memory();
  memory[row + Row.LAST_PASSED] = -1;
  for (const cell of $range(row + Row.UTILIZATION, row + Row.EPS)) memory[cell] = -1;
}

/** Returns whether the server at a row has rare cells. Any phase. */
export function has_rare_cells(row: Cell): boolean {
  return shared_memory()[row + Row.USES_RARE] !== 0;
}

/**
 * Lets the rare cells of a server be written. If two workers do so at the same time, a value that one of them
 * has just written may be lost, as if it had come a moment earlier. Any phase.
 */
export function use_rare_cells(row: Cell): void {
  const memory = shared_memory();
  if (memory[row + Row.USES_RARE] !== 0) return;
  fill(row);
  memory[row + Row.USES_RARE] = 1;
}

/** Returns the row whose rare cells tell about a server: its own, or one with those of a new server. */
export function rare_cells_of(row: Cell): Cell {
  if (shared_memory()[row + Row.USES_RARE] !== 0) return row;
  const none = row_at(NONE);
  use_rare_cells(none);
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
