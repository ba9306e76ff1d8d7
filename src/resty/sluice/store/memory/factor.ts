import { type Cell, Row } from "./cells";
import { shared_memory } from "./region";

/** The factor by which a server's load multiplies its weight, in a cell that all workers share. */

/** Returns the factor of the server at a row: 1 unless its load requires another. Any phase. */
export function load_factor(row: Cell): number {
  const factor = shared_memory()[row + Row.FACTOR];
  // A new row holds 0.
  return factor === 0 ? 1 : factor;
}
