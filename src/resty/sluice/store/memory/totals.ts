import { type Cell, Row, type RowNumber } from "./cells";
import { CODE_STEP, CODES, Counter } from "./counter_cells";
import { code_cell, counter_at, is_used, last_slot, row_at, shared_memory, stamp_at } from "./region";

/** The counters of servers, summed over all workers into one list of numbers: it makes no tables. */

/** The indices of the numbers. */
export const enum Total {
  REQUESTS,
  SENT,
  RECEIVED,
  FAILS,
  UNANSWERED,
  /** The responses by class, from 1xx to 5xx. */
  FIRST_CLASS,
}

export const CLASSES = 5;
/** How many numbers there are. */
export const TOTALS = Total.FIRST_CLASS + CLASSES;

function add(totals: number[], total: number, by: number): void {
  totals[total] = totals[total] + by;
}

function add_responses(totals: number[], at: Cell): void {
  const memory = shared_memory();
  for (const index of $range(0, CODES - 1)) {
    const value = memory[code_cell(at, index)];
    if (value === 0) return;
    const code = value % CODE_STEP;
    const its_class = math.floor(code / 100);
    if (its_class >= 1 && its_class <= CLASSES)
      add(totals, Total.FIRST_CLASS + its_class - 1, (value - code) / CODE_STEP);
  }
}

/** Adds the counters of a server, unless it has left its row. Any phase. */
export function add_totals(totals: number[], row: RowNumber, incarnation: number): void {
  const memory = shared_memory();
  if (memory[row_at(row) + Row.STAMP] !== incarnation) return;
  for (const slot of $range(0, last_slot())) {
    if (memory[stamp_at(slot, row)] === incarnation && is_used(slot)) {
      const at = counter_at(slot, row);
      add(totals, Total.REQUESTS, memory[at + Counter.REQUESTS]);
      add(totals, Total.SENT, memory[at + Counter.SENT]);
      add(totals, Total.RECEIVED, memory[at + Counter.RECEIVED]);
      add(totals, Total.FAILS, memory[at + Counter.FAILS]);
      add(totals, Total.UNANSWERED, memory[at + Counter.UNANSWERED]);
      add_responses(totals, at);
    }
  }
}
