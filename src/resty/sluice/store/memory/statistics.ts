import * as clock from "../../lib/clock";
import type { Result } from "../../lib/result";
import { type Cell, Row, type RowNumber, UpstreamRow } from "./cells";
import { Slot } from "./header_cells";
import { CODE_STEP, CODES, Counter, LAST_CODE, RARE_CODES, UpstreamCounter } from "./counter_cells";
import { has_rare_cells, rare_cells_of } from "./rare_cells";
import { State } from "./states";
import { with_write_lock } from "./lock";
import {
  code_cell,
  counters_of,
  counter_at,
  rare_codes_of,
  RESET_SLOT,
  row_at,
  shared_memory,
  slot_at,
  stamp_at,
  stamp_of,
  last_slot,
  is_used,
} from "./region";
import { active_requests } from "./rows";
import { reset_times } from "./times";

/** The statistics of a server over all workers, since it was added or its statistics were reset. */
export interface ServerStatus {
  active: number;
  requests: number;
  sent: number;
  received: number;
  fails: number;
  /** The failures without a response. */
  unanswered: number;
  codes: LuaTable<number, number | undefined>;
  /** Moving averages in milliseconds; undefined: none yet. */
  header_time: number | undefined;
  response_time: number | undefined;
  /** Seconds since 1970; undefined: never chosen. */
  selected: number | undefined;
  /** See `Row` for this and the next members. */
  unavail: number;
  checks: number;
  check_fails: number;
  unhealthy: number;
  /** Undefined: there was no check. */
  last_passed: boolean | undefined;
  /** In milliseconds, including the time since `down_since`. */
  downtime: number;
  /** Since when it is, or last was, not up, by the monotonic clock; undefined: it always was up. */
  down_since: number | undefined;
}

const NO_AVERAGE = -1;
const HEALTH_STATISTICS = [
  Row.UNAVAIL,
  Row.CHECKS,
  Row.CHECK_FAILS,
  Row.UNHEALTHY,
  Row.ALL_EJECTIONS,
  Row.COMPARED_RESPONSES,
  Row.COMPARED_ERRORS,
  Row.ANOMALIES,
  Row.JUDGED_RESPONSES,
  Row.JUDGED_ERRORS,
  Row.JUDGED_ANSWERS,
  Row.JUDGED_TIMED,
  Row.JUDGED_TIME,
];

function add_codes(codes: LuaTable<number, number | undefined>, at: Cell): void {
  const memory = shared_memory();
  for (const index of $range(0, CODES - 1)) {
    const value = memory[code_cell(at, index)];
    if (value === 0) return;
    const code = value % CODE_STEP;
    codes.set(code, (codes.get(code) ?? 0) + math.floor(value / CODE_STEP));
  }
}

/** Sums up a server's counters. Any phase. */
export function status_of(row: RowNumber, incarnation: number): ServerStatus {
  const memory = shared_memory();
  const shared = row_at(row);
  const state: State = memory[shared + Row.STATE];
  const header_time = memory[shared + Row.HEADER_TIME];
  const selected = memory[shared + Row.SELECTED];
  const rare = rare_cells_of(shared);
  const last_passed = memory[rare + Row.LAST_PASSED];
  const down_since = memory[rare + Row.DOWN_SINCE];
  const lasting = state === State.UP ? 0 : math.max(0, clock.now() - down_since);
  const codes = new LuaTable<number, number | undefined>();
  const status: ServerStatus = {
    active: active_requests(row),
    requests: 0,
    sent: 0,
    received: 0,
    fails: 0,
    unanswered: 0,
    codes,
    header_time: header_time >= 0 ? header_time : undefined,
    response_time: header_time >= 0 ? memory[shared + Row.RESPONSE_TIME] : undefined,
    selected: selected > 0 ? selected : undefined,
    unavail: memory[rare + Row.UNAVAIL],
    checks: memory[rare + Row.CHECKS],
    check_fails: memory[rare + Row.CHECK_FAILS],
    unhealthy: memory[rare + Row.UNHEALTHY],
    last_passed: last_passed >= 0 ? last_passed === 1 : undefined,
    downtime: memory[rare + Row.DOWNTIME] + math.floor(lasting * 1000),
    down_since: down_since > 0 ? down_since : undefined,
  };
  for (const at of counters_of(row, incarnation)) {
    status.requests += memory[at + Counter.REQUESTS];
    status.sent += memory[at + Counter.SENT];
    status.received += memory[at + Counter.RECEIVED];
    status.fails += memory[at + Counter.FAILS];
    status.unanswered += memory[at + Counter.UNANSWERED];
    add_codes(codes, at);
  }
  return status;
}

function clear_counts(first: number, last: number): void {
  const memory = shared_memory();
  for (const cell of $range(first, last)) memory[cell] = 0;
}

/** Prepares a row's counters of what resets subtract. Returns their offset. Under the write lock. */
export function reset_cells(row: RowNumber, stamp: number): Cell {
  const memory = shared_memory();
  const at = counter_at(RESET_SLOT, row);
  if (memory[stamp_at(RESET_SLOT, row)] !== stamp) {
    clear_counts(at, at + LAST_CODE);
    clear_counts(rare_codes_of(at), rare_codes_of(at) + RARE_CODES - 1);
  }
  memory[slot_at(RESET_SLOT) + Slot.USED] = 1;
  memory[stamp_at(RESET_SLOT, row)] = stamp;
  return at;
}

function write_reset(row: RowNumber, incarnation: number, status: ServerStatus): void {
  const memory = shared_memory();
  const at = reset_cells(row, incarnation);
  const shared = row_at(row);
  memory[at + Counter.REQUESTS] = memory[at + Counter.REQUESTS] - status.requests;
  memory[at + Counter.SENT] = memory[at + Counter.SENT] - status.sent;
  memory[at + Counter.RECEIVED] = memory[at + Counter.RECEIVED] - status.received;
  memory[at + Counter.FAILS] = memory[at + Counter.FAILS] - status.fails;
  memory[at + Counter.UNANSWERED] = memory[at + Counter.UNANSWERED] - status.unanswered;
  for (const [code, count] of pairs(status.codes)) {
    let index = 0;
    let cell = code_cell(at, index);
    while (memory[cell] !== 0 && memory[cell] % CODE_STEP !== code && index < CODES - 1) {
      index += 1;
      cell = code_cell(at, index);
    }
    if (memory[cell] === 0) memory[cell] = code;
    if (memory[cell] % CODE_STEP === code) memory[cell] = memory[cell] - count * CODE_STEP;
  }
  reset_times(row, incarnation);
  memory[shared + Row.HEADER_TIME] = NO_AVERAGE;
  memory[shared + Row.RESPONSE_TIME] = NO_AVERAGE;
  if (!has_rare_cells(shared)) return;
  for (const cell of HEALTH_STATISTICS) memory[shared + cell] = 0;
  // For a server that is down now, this subtracts the part of the current downtime as well.
  memory[shared + Row.DOWNTIME] = memory[shared + Row.DOWNTIME] - status.downtime;
}

/**
 * Sets a server's statistics to 0, but not its requests under way. Only a worker may write its counters, so
 * their values are subtracted in a slot of its own. Phases that can sleep.
 */
export function reset_status(row: RowNumber, incarnation: number): Result<true> {
  return with_write_lock(() => {
    write_reset(row, incarnation, status_of(row, incarnation));
  });
}

/** Returns how often a server was chosen, over all workers. */
export function picks_of(row: RowNumber, incarnation: number): number {
  const memory = shared_memory();
  let picks = 0;
  for (const slot of $range(0, last_slot())) {
    const is_its = is_used(slot) && memory[stamp_at(slot, row)] === incarnation;
    if (is_its) picks += memory[counter_at(slot, row) + Counter.REQUESTS];
  }
  return picks;
}

/** Begins an upstream's first minute of picks, before it serves. Any phase. */
export function begin_first_minute(row: Cell, now: number): void {
  const memory = shared_memory();
  if (memory[row + UpstreamRow.MINUTE_AT] === 0) memory[row + UpstreamRow.MINUTE_AT] = now;
}

/** The counters of an upstream over all workers. */
export interface UpstreamStatus {
  /** Requests without a value for the key of `hash`. */
  without_key: number;
  /** Requests that wait in the queue now. */
  waiting: number;
  /** Requests that found the queue full. */
  overflows: number;
  /** Requests that have waited in the queue, or wait there now. */
  waits: number;
  /** Attempts after the first one of a request. */
  retries: number;
  /** Requests that the retry budget has denied another attempt. */
  denied_retries: number;
}

/** Sums up the counters of the upstream at a row. Any phase. */
export function upstream_status(row: RowNumber): UpstreamStatus {
  const memory = shared_memory();
  const status = { without_key: 0, waiting: 0, overflows: 0, waits: 0, retries: 0, denied_retries: 0 };
  for (const at of counters_of(row, stamp_of(row))) {
    status.without_key += memory[at + UpstreamCounter.WITHOUT_KEY];
    status.waiting += memory[at + UpstreamCounter.WAITING];
    status.overflows += memory[at + UpstreamCounter.OVERFLOWS];
    status.waits += memory[at + UpstreamCounter.WAITS];
    status.retries += memory[at + UpstreamCounter.RETRIES];
    status.denied_retries += memory[at + UpstreamCounter.DENIED_RETRIES];
  }
  return status;
}

/** Sets an upstream's counters to 0, but not its waiting requests. Phases that can sleep. */
export function reset_upstream_status(row: RowNumber): Result<true> {
  return with_write_lock(() => {
    const memory = shared_memory();
    const shared = row_at(row);
    // The status shows which counters have changed: a reset may bring back earlier values.
    memory[shared + UpstreamRow.HEALTH_REVISION] = memory[shared + UpstreamRow.HEALTH_REVISION] + 1;
    const { without_key, overflows, waits, retries, denied_retries } = upstream_status(row);
    const at = reset_cells(row, stamp_of(row));
    const subtract = (counter: UpstreamCounter, count: number) => {
      memory[at + counter] = memory[at + counter] - count;
    };
    subtract(UpstreamCounter.WITHOUT_KEY, without_key);
    subtract(UpstreamCounter.OVERFLOWS, overflows);
    subtract(UpstreamCounter.WAITS, waits);
    subtract(UpstreamCounter.RETRIES, retries);
    subtract(UpstreamCounter.DENIED_RETRIES, denied_retries);
    clear_counts(at + UpstreamCounter.DEPARTED_TIMED, at + LAST_CODE);
    clear_counts(rare_codes_of(at), rare_codes_of(at) + RARE_CODES - 1);
  });
}
