import { type Cell, Row, type RowNumber } from "./cells";
import { LAST_CODE, TimeCell, UpstreamCounter } from "./counter_cells";
import { fence } from "./dict";
import {
  counter_at,
  rare_codes_of,
  RESET_SLOT,
  row_at,
  shared_memory,
  stamp_at,
  stamp_of,
  times_of,
} from "./region";
import { reset_cells } from "./statistics";
import { add_cells, add_times, clear_cells, clear_times, keep_cells, new_times, type Times } from "./times";
import { add_totals, TOTALS } from "./totals";

/**
 * What the removed servers of an upstream have counted. The sums over an upstream's servers must never fall,
 * because Prometheus takes a counter that falls for one that has restarted from 0. The numbers are at the
 * upstream's row, in the slot of resets, so only the holder of the write lock changes them.
 *
 * Each server's numbers are either at its own row or here. `UpstreamCounter.DEPARTURES` is odd while they
 * move: a reader that finds another number after it has read than before must read again.
 */

/** A removed server without requests under way. */
interface Departed {
  row: RowNumber;
  incarnation: number;
}

const counted: number[] = [];
const timed = new_times();

function add(cell: number, by: number): void {
  const memory = shared_memory();
  memory[cell] = memory[cell] + by;
}

function keep_times(counters: Cell, times: Times): void {
  const memory = shared_memory();
  const at = times_of(counters);
  if (memory[counters + UpstreamCounter.DEPARTED_TIMED] === 0) clear_cells(at);
  add(counters + UpstreamCounter.DEPARTED_TIMED, times.count);
  keep_cells(at, times, 1);
}

/** Returns the cell of a `Total` of the departed servers. */
function departed_at(counters: Cell, total: number): number {
  const cell = counters + UpstreamCounter.FIRST_DEPARTED + total;
  return cell <= counters + LAST_CODE ? cell : rare_codes_of(counters) + cell - counters - LAST_CODE - 1;
}

/** Moves the numbers of servers that give up their rows to the upstream. The caller holds the write lock. */
export function keep_departed(upstream_row: RowNumber, servers: readonly Departed[]): void {
  if (servers.length === 0) return;
  const memory = shared_memory();
  const counters = reset_cells(upstream_row, stamp_of(upstream_row));
  // A writer that died here has left an odd number.
  if (memory[counters + UpstreamCounter.DEPARTURES] % 2 === 0) add(counters + UpstreamCounter.DEPARTURES, 1);
  fence();
  for (const total of $range(0, TOTALS - 1)) counted[total] = 0;
  for (const { row, incarnation } of servers) {
    add_totals(counted, row, incarnation);
    clear_times(timed);
    if (add_times(timed, row, incarnation)) keep_times(counters, timed);
    memory[row_at(row) + Row.STAMP] = 0;
  }
  for (const total of $range(0, TOTALS - 1)) {
    add(departed_at(counters, total), counted[total]);
  }
  fence();
  add(counters + UpstreamCounter.DEPARTURES, 1);
}

function has_departed(row: RowNumber): boolean {
  return shared_memory()[stamp_at(RESET_SLOT, row)] === stamp_of(row);
}

/** Returns a number that is odd while servers depart, and differs after that. Any phase. */
export function departures(row: RowNumber): number {
  fence();
  if (!has_departed(row)) return 0;
  return shared_memory()[counter_at(RESET_SLOT, row) + UpstreamCounter.DEPARTURES];
}

/** Adds the counters of the departed servers of the upstream at a row. Any phase. */
export function add_departed(totals: number[], row: RowNumber): void {
  if (!has_departed(row)) return;
  const memory = shared_memory();
  const counters = counter_at(RESET_SLOT, row);
  for (const total of $range(0, TOTALS - 1))
    totals[total] = totals[total] + memory[departed_at(counters, total)];
}

/** Adds the histograms of the departed servers of the upstream at a row. Any phase. */
export function add_departed_times(times: Times, row: RowNumber): void {
  const memory = shared_memory();
  const counters = counter_at(RESET_SLOT, row);
  if (!has_departed(row) || memory[counters + UpstreamCounter.DEPARTED_TIMED] === 0) return;
  const at = times_of(counters);
  times.count += memory[counters + UpstreamCounter.DEPARTED_TIMED];
  times.header_sum += memory[at + TimeCell.HEADER_SUM];
  times.response_sum += memory[at + TimeCell.RESPONSE_SUM];
  add_cells(times, at);
}
