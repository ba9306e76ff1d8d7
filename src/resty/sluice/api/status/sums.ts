import { reported_state } from "../../health/reported";
import type { Moment } from "../../lib/clock";
import { type Cell, Row, UpstreamRow } from "../../store/memory/cells";
import { CODE_STEP, CODES, Counter, UpstreamCounter } from "../../store/memory/counter_cells";
import {
  code_cell,
  counter_at,
  is_used,
  row_at,
  shared_memory,
  stamp_at,
  stamp_of,
} from "../../store/memory/region";
import { active_requests } from "../../store/memory/rows";
import { Reported } from "../../store/memory/states";
import { Condition, condition_of, Plan } from "../condition";
import { Sum, type KnownUpstream, type Sums } from "./model";

/** The sums over the servers of an upstream. They run for all servers of a gateway and make no tables. */

const LAST_CLASS = 5;

function add_responses(sums: Sums, at: Cell): void {
  const memory = shared_memory();
  for (const index of $range(0, CODES - 1)) {
    const value = memory[code_cell(at, index)];
    if (value === 0) return;
    const code = value % CODE_STEP;
    const its_class = math.floor(code / 100);
    if (its_class >= 1 && its_class <= LAST_CLASS) {
      const sum = Sum.FIRST_CLASS + its_class - 1;
      sums[sum] = sums[sum] + (value - code) / CODE_STEP;
    }
  }
}

function add_server(
  sums: Sums,
  upstream: KnownUpstream,
  index: number,
  last_slot: number,
  now: Moment,
): void {
  const memory = shared_memory();
  const row_number = upstream.rows[index];
  const incarnation = upstream.incarnations[index];
  const plan = upstream.plans[index];
  const row = row_at(row_number);
  // It was deleted meanwhile, and another server may have its row.
  if (memory[row + Row.STAMP] !== incarnation) return;
  const active = active_requests(row_number);
  const condition = condition_of(plan, row, active);
  sums[Sum.ACTIVE] = sums[Sum.ACTIVE] + active;
  sums[Sum.FIRST_CONDITION + condition] = sums[Sum.FIRST_CONDITION + condition] + 1;
  const worst: Condition = sums[Sum.WORST_CONDITION];
  if (condition < worst) {
    sums[Sum.WORST_CONDITION] = condition;
    sums[Sum.WORST] = index;
  }
  if (plan === Plan.SERVES && reported_state(row) === Reported.UP) {
    sums[Sum.IN_ROTATION] = sums[Sum.IN_ROTATION] + 1;
    if (memory[row + Row.UNAVAILABLE_UNTIL] > now) sums[Sum.UNAVAILABLE] = sums[Sum.UNAVAILABLE] + 1;
  }
  for (const slot of $range(0, last_slot)) {
    if (memory[stamp_at(slot, row_number)] === incarnation && is_used(slot)) {
      const at = counter_at(slot, row_number);
      sums[Sum.REQUESTS] = sums[Sum.REQUESTS] + memory[at + Counter.REQUESTS];
      sums[Sum.FAILS] = sums[Sum.FAILS] + memory[at + Counter.FAILS];
      sums[Sum.TIMED] = sums[Sum.TIMED] + memory[at + Counter.TIMED];
      add_responses(sums, at);
    }
  }
}

function add_upstream(sums: Sums, { row, row_number }: KnownUpstream, last_slot: number): void {
  const memory = shared_memory();
  const stamp = stamp_of(row_number);
  for (const slot of $range(0, last_slot)) {
    if (memory[stamp_at(slot, row_number)] === stamp && is_used(slot)) {
      const at = counter_at(slot, row_number);
      sums[Sum.WAITING] = sums[Sum.WAITING] + memory[at + UpstreamCounter.WAITING];
      sums[Sum.OVERFLOWS] = sums[Sum.OVERFLOWS] + memory[at + UpstreamCounter.OVERFLOWS];
    }
  }
  sums[Sum.HEALTH_REVISION] = memory[row + UpstreamRow.HEALTH_REVISION];
  sums[Sum.UNLOGGED] = memory[row + UpstreamRow.UNLOGGED];
  sums[Sum.UNPROVEN_SINCE] = memory[row + UpstreamRow.UNPROVEN_SINCE];
  sums[Sum.OLD_PLACES] = memory[row + UpstreamRow.OLD_PLACES];
}

/**
 * Sums up an upstream.
 *
 * @param sums receives the sums
 * @param last_slot the last slot that was ever taken
 */
export function sum_up(sums: Sums, upstream: KnownUpstream, last_slot: number, now: Moment): void {
  for (const sum of $range(0, Sum.COUNT - 1)) sums[sum] = 0;
  sums[Sum.WORST_CONDITION] = Condition.UP;
  add_upstream(sums, upstream, last_slot);
  for (const index of $range(0, upstream.rows.length - 1)) add_server(sums, upstream, index, last_slot, now);
}

/** Copies sums. Returns true if they differed. */
export function keep_sums(kept: Sums, sums: Sums): boolean {
  let differs = false;
  for (const sum of $range(0, Sum.COUNT - 1)) {
    if (kept[sum] !== sums[sum]) {
      kept[sum] = sums[sum];
      differs = true;
    }
  }
  return differs;
}
