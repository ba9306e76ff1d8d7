import { type Cell, Row, UpstreamRow } from "./cells";
import { exclusively } from "./dict";
import { has_rare_cells } from "./rare_cells";
import { shared_memory } from "./region";

/** The factors of the weight of a server, beside `slow_start`, in cells that all workers share. */

/** Returns the factor for the load of the server at a row: 1 unless its load requires another. Any phase. */
export function load_factor(row: Cell): number {
  if (!has_rare_cells(row)) return 1;
  const factor = shared_memory()[row + Row.FACTOR];
  // A new row holds 0.
  return factor === 0 ? 1 : factor;
}

/** Returns the part of its weight that outlier detection leaves to the server at a row. Any phase. */
export function outlier_part(row: Cell): number {
  if (!has_rare_cells(row)) return 1;
  const part = shared_memory()[row + Row.OUTLIER_PART];
  return part === 0 ? 1 : part;
}

/** Lets all workers follow changed factors of an upstream's servers. Any phase. */
export function touch_factors(upstream_row: Cell): void {
  const memory = shared_memory();
  const cell = upstream_row + UpstreamRow.LOAD_REVISION;
  // Two workers may change factors at the same time: one for loads, and one for outliers.
  exclusively(() => {
    memory[cell] = memory[cell] + 1;
  });
}
