import { type Cell, Row } from "./cells";
import { shared_memory } from "./region";

/** By what a server's load multiplies its weight, in a cell that all workers share. */

/** Of the server at a row: 1 unless its load says otherwise. Any phase. */
export function load_factor(row: Cell): number {
  const factor = shared_memory()[row + Row.FACTOR];
  // A new row holds zeros.
  return factor === 0 ? 1 : factor;
}
