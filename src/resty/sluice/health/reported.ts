import type { LoadConfig } from "../config/load";
import { invalid_value, type Problem } from "../config/problem";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { type Cell, Row, UpstreamRow } from "../store/memory/cells";
import { Reported } from "../store/memory/states";
import { exclusively } from "../store/memory/dict";
import { record_event } from "../store/memory/events";
import { use_rare_cells } from "../store/memory/rare_cells";
import { active_at, row_number_of, shared_memory, sum_of_slots, touch_health } from "../store/memory/region";
import type { Subject } from "../store/memory/subject";
import { note_latency } from "./expected_time";
import type { Report, ReportedState } from "./report";

/** The reports of servers, in cells that all workers share. They belong to the incarnation of a server. */

/** The time that a report is valid if the upstream has no `load`, in seconds. */
const EXPIRY_SECONDS = 180;
/** The time by which a server's clock may be ahead, in seconds. */
const AHEAD_SECONDS = 60;

/** The least part of a new report in the mean of the requests from elsewhere. */
const LEAST_PART = 0.1;
/** A report counts as a whole if the last one was so many seconds ago. */
const WHOLE_SECONDS = 3;

const STATES: Record<ReportedState, Reported> = {
  up: Reported.UP,
  drain: Reported.DRAIN,
  down: Reported.DOWN,
};
/** Their names in the API and the log. */
const NAMES = ["up", "draining", "down", "draining"];

/** Returns the time that a report is valid, in seconds. */
export function expiry_of(load: LoadConfig | undefined): number {
  return load === undefined ? EXPIRY_SECONDS : seconds_of(load.expiry);
}

/** Returns the state that the server at a row has reported last. Hot. */
export function reported_state(row: Cell): Reported {
  return shared_memory()[row + Row.REPORTED_STATE];
}

/** Returns the name of a state in the API. */
export function reported_name(state: Reported): string {
  return NAMES[state];
}

/**
 * Returns the state after a report. Without weight a server that is up drains, until it reports a weight or a
 * state.
 */
function state_after(before: Reported, { state, has_weight }: Report): Reported {
  const said = state === undefined ? before : STATES[state];
  if (has_weight === false && said === Reported.UP) return Reported.WEIGHTLESS;
  return has_weight === true && said === Reported.WEIGHTLESS ? Reported.UP : said;
}

function reason_of({ state, has_weight }: Report): string {
  if (has_weight === false && (state === undefined || state === "up")) return "its agent gives it no weight";
  return state === undefined ? "its agent gives it weight again" : `it reports "${state}"`;
}

/** Changes the reported state and records an event. Each worker sees the change at its next request. */
function change_state(subject: Subject, state: Reported, reason: string): void {
  const memory = shared_memory();
  const { row, upstream } = subject;
  if (memory[row + Row.STAMP] !== subject.incarnation) return;
  use_rare_cells(row);
  exclusively(() => {
    const before: Reported = memory[row + Row.REPORTED_STATE];
    if (before === state || memory[row + Row.STAMP] !== subject.incarnation) return;
    memory[row + Row.REPORTED_STATE] = state;
    if (before === Reported.UP) memory[row + Row.REPORTED_SINCE] = clock.now();
    if (state === Reported.UP) memory[row + Row.STARTED_AT] = clock.now();
    memory[upstream.row + UpstreamRow.HEALTH_REVISION] =
      memory[upstream.row + UpstreamRow.HEALTH_REVISION] + 1;
    touch_health();
    record_event(subject, NAMES[before], NAMES[state], reason, state === Reported.DOWN);
  });
}

/**
 * Ends a reported state that was not confirmed for `expiry` seconds: the server may be up again. Any phase.
 */
export function end_reported_state(subject: Subject, expiry: number, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  if (reported_state(row) === Reported.UP || now - memory[row + Row.STATE_REPORTED_AT] < expiry) return;
  change_state(subject, Reported.UP, `it has reported nothing for ${expiry} s`);
}

/**
 * Returns the problem with the time of a report, which comes from the server's own clock; undefined: none.
 */
function check_time(row: Cell, time: number, expiry: number, now: clock.Moment): Problem | undefined {
  const memory = shared_memory();
  const wall_time = clock.wall_time();
  if (time > wall_time + AHEAD_SECONDS)
    return invalid_value("time", `must not be more than ${AHEAD_SECONDS} s ahead`);
  if (time < wall_time - expiry) return invalid_value("time", `must not be more than ${expiry} s ago`);
  // A report that was overtaken arrives soon after the later one. After that, the server's clock was set
  // back.
  const may_be_overtaken = now - memory[row + Row.STATE_REPORTED_AT] < expiry;
  if (may_be_overtaken && time < memory[row + Row.REPORT_TIME])
    return invalid_value("time", "must not be earlier than the time of the last report");
  return undefined;
}

function put(cell: number, value: number | undefined): void {
  if (value !== undefined) shared_memory()[cell] = value;
}

/**
 * Returns the requests from elsewhere after a report. What other gateways have at a server changes from one
 * report to the next, and each of them would choose the same server that seems idle. Means do not do that.
 */
function mean_elsewhere(row: Cell, reported: number, now: number): number {
  const memory = shared_memory();
  const since = now - memory[row + Row.ELSEWHERE_AT];
  const part = math.min(1, math.max(LEAST_PART, since / WHOLE_SECONDS));
  return memory[row + Row.ELSEWHERE] * (1 - part) + reported * part;
}

/** Notes what `least_load` uses: the requests of others at the server, and the time that it expects. */
function note_load(row: Cell, { in_flight, latency }: Report, now: number): void {
  if ((in_flight ?? latency) === undefined) return;
  const memory = shared_memory();
  const own = sum_of_slots(active_at(row_number_of(row)));
  if (in_flight !== undefined) {
    memory[row + Row.ELSEWHERE] = mean_elsewhere(row, math.max(0, in_flight - own), now);
    memory[row + Row.ELSEWHERE_AT] = now;
  }
  if (latency !== undefined) note_latency(row, latency, in_flight ?? own + memory[row + Row.ELSEWHERE], now);
}

function note_utilization(row: Cell, utilization: number, expiry: number, now: number): void {
  const memory = shared_memory();
  const has_paused = now - memory[row + Row.REPORTED_AT] > expiry;
  if (has_paused) memory[row + Row.REPORTING_SINCE] = now;
  memory[row + Row.UTILIZATION] = utilization;
  memory[row + Row.REPORTED_AT] = now;
}

/**
 * Notes a report. Values that it does not contain stay unchanged. Any phase.
 *
 * @param expiry the time that a report is valid, in seconds
 * @returns the problem with its time; undefined: none
 */
export function note_report(
  subject: Subject,
  report: Report,
  expiry: number,
  now: number,
): Problem | undefined {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.STAMP] !== subject.incarnation) return undefined;
  use_rare_cells(row);
  const { utilization, connections, rps, eps, time } = report;
  const untimely = time === undefined ? undefined : check_time(row, time, expiry, now);
  if (untimely !== undefined) {
    count_bad_report(subject);
    return untimely;
  }
  memory[row + Row.REPORTS] = memory[row + Row.REPORTS] + 1;
  memory[row + Row.STATE_REPORTED_AT] = now;
  put(row + Row.REPORT_TIME, time);
  put(row + Row.CONNECTIONS, connections);
  put(row + Row.RPS, rps);
  put(row + Row.EPS, eps);
  if (utilization !== undefined) note_utilization(row, utilization, expiry, now);
  note_load(row, report, now);
  const before = reported_state(row);
  const after = state_after(before, report);
  if (after !== before) change_state(subject, after, reason_of(report));
  return undefined;
}

/** Counts a report that is not valid. Any phase. */
export function count_bad_report({ row, incarnation }: Subject): void {
  const memory = shared_memory();
  if (memory[row + Row.STAMP] !== incarnation) return;
  use_rare_cells(row);
  memory[row + Row.BAD_REPORTS] = memory[row + Row.BAD_REPORTS] + 1;
}
