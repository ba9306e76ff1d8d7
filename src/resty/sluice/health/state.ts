import { type Cell, Check, Header, Row, State, UpstreamRow } from "../store/memory/cells";
import { exclusively } from "../store/memory/dict";
import { record_event } from "../store/memory/events";
import { shared_memory } from "../store/memory/region";
import type { Subject } from "./subject";

/**
 * The state of a server, in cells that all workers share. It follows from what passive checks, active checks
 * and outlier detection have noted there. It belongs to the incarnation of a server and survives reloads and
 * restarts.
 */

const NAMES = ["up", "unavail", "checking", "unhealthy"];

/** Returns the name of a state in the API. */
export function state_name(state: State): string {
  return NAMES[state];
}

function state_of({ row, max_fails }: Subject): State {
  const memory = shared_memory();
  const check: Check = memory[row + Row.CHECK];
  if (check === Check.FAILED) return State.UNHEALTHY;
  if (check === Check.WANTED) return State.CHECKING;
  if (memory[row + Row.EJECTED_UNTIL] > 0) return State.UNAVAIL;
  return max_fails > 0 && memory[row + Row.FAILS] >= max_fails ? State.UNAVAIL : State.UP;
}

/** Returns until when a server in this state gets no requests. */
function unavailable_until({ row, max_fails, fail_timeout }: Subject, state: State): number {
  const memory = shared_memory();
  if (state === State.UP) return 0;
  if (state !== State.UNAVAIL) return math.huge;
  const has_failed = max_fails > 0 && memory[row + Row.FAILS] >= max_fails;
  const failed_at = math.max(memory[row + Row.FAILED_AT], memory[row + Row.TRIED_AT]);
  return math.max(memory[row + Row.EJECTED_UNTIL], has_failed ? failed_at + fail_timeout : 0);
}

function count_change(row: Cell, before: State, after: State, now: number): void {
  const memory = shared_memory();
  if (after === State.UNAVAIL) memory[row + Row.UNAVAIL] = memory[row + Row.UNAVAIL] + 1;
  if (after === State.UNHEALTHY) memory[row + Row.UNHEALTHY] = memory[row + Row.UNHEALTHY] + 1;
  if (before === State.UP) {
    memory[row + Row.DOWN_SINCE] = now;
  } else if (after === State.UP) {
    const milliseconds = math.floor((now - memory[row + Row.DOWN_SINCE]) * 1000 + 0.5);
    memory[row + Row.DOWNTIME] = memory[row + Row.DOWNTIME] + milliseconds;
    memory[row + Row.STARTED_AT] = now;
  }
}

/** Notes a change of any server's health, so that it is saved. */
export function touch(): void {
  const memory = shared_memory();
  memory[Header.HEALTH_REVISION] = memory[Header.HEALTH_REVISION] + 1;
}

/**
 * Concludes the state of a server, and until when it gets no requests, from what was noted about it. A change
 * of state is recorded as an event and logged. Any phase.
 *
 * @param now the monotonic clock
 * @param reason the reason in the event and in the log
 */
export function conclude(subject: Subject, now: number, reason: string): void {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.STAMP] !== subject.incarnation) return;
  touch();
  const before: State = memory[row + Row.STATE];
  const after = state_of(subject);
  memory[row + Row.UNAVAILABLE_UNTIL] = unavailable_until(subject, after);
  if (before === after) return;
  // Several workers may find the change at the same time. One of them makes it, from what all have noted.
  exclusively(() => {
    change_state(subject, now, reason);
  });
}

/**
 * Concludes the state of a server that this worker did not know. The limits may have changed after the last
 * conclusion, and a worker that knew only the former limits may have made it. Any phase.
 *
 * @param now the monotonic clock
 */
export function review(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.UNAVAILABLE_UNTIL] === 0 && memory[row + Row.FAILS] === 0) return;
  conclude(subject, now, "its limits have changed");
}

function change_state(subject: Subject, now: number, reason: string): void {
  const memory = shared_memory();
  const { row, upstream_row } = subject;
  const before: State = memory[row + Row.STATE];
  const after = state_of(subject);
  memory[row + Row.UNAVAILABLE_UNTIL] = unavailable_until(subject, after);
  if (before === after) return;
  memory[row + Row.STATE] = after;
  count_change(row, before, after, now);
  memory[upstream_row + UpstreamRow.HEALTH_REVISION] = memory[upstream_row + UpstreamRow.HEALTH_REVISION] + 1;
  record_event(subject, NAMES[before], NAMES[after], reason, after !== State.UP);
}
