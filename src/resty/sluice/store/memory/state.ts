import { type Cell, Row, UpstreamRow } from "./cells";
import { Check, State } from "./states";
import { exclusively, fence } from "./dict";
import { record_event } from "./events";
import { use_rare_cells } from "./rare_cells";
import { forget_reason, keep_reason } from "./reasons";
import { row_number_of, shared_memory, touch_health } from "./region";
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

function has_failed(row: Cell): boolean {
  const memory = shared_memory();
  const max_fails = memory[row + Row.MAX_FAILS];
  return max_fails > 0 && memory[row + Row.FAILS] >= max_fails;
}

function state_of(row: Cell): State {
  const memory = shared_memory();
  const check: Check = memory[row + Row.CHECK];
  if (check === Check.FAILED) return State.UNHEALTHY;
  if (check === Check.WANTED) return State.CHECKING;
  if (memory[row + Row.EJECTED_UNTIL] > 0) return State.UNAVAIL;
  return has_failed(row) ? State.UNAVAIL : State.UP;
}

/** Returns until when a server in this state gets no requests. */
function unavailable_until(row: Cell, state: State): number {
  const memory = shared_memory();
  if (state === State.UP) return 0;
  if (state !== State.UNAVAIL) return math.huge;
  const ejected_until = memory[row + Row.EJECTED_UNTIL];
  if (!has_failed(row)) return ejected_until;
  const failed_at = math.max(memory[row + Row.FAILED_AT], memory[row + Row.TRIED_AT]);
  return math.max(ejected_until, failed_at + memory[row + Row.FAIL_TIMEOUT]);
}

/**
 * Sets until when a server gets no requests, and returns the state that follows from what was noted. While
 * this worker looks, another one may note something, or a writer may change the limits. With the fence,
 * either the second look sees that, or the other process concludes after this worker has set the cell.
 */
function judge(row: Cell): State {
  const memory = shared_memory();
  let until: number;
  let state: State;
  do {
    until = unavailable_until(row, state_of(row));
    memory[row + Row.UNAVAILABLE_UNTIL] = until;
    fence();
    state = state_of(row);
  } while (unavailable_until(row, state) !== until);
  return state;
}

/**
 * Forgets the expected time of `least_load`, so that the server gets one request until it has answered. Only
 * a server of this method has a mean.
 */
function forget_time(row: Cell): void {
  const memory = shared_memory();
  if (memory[row + Row.MEAN_TIME] === 0) return;
  memory[row + Row.MEAN_TIME] = 0;
  memory[row + Row.MEAN_REQUESTS] = 0;
  memory[row + Row.LATENCY_AT] = 0;
  memory[row + Row.EXPECTED_TIME] = -1;
}

function count_change(row: Cell, before: State, after: State, now: number): void {
  const memory = shared_memory();
  if (after === State.UNAVAIL) memory[row + Row.UNAVAIL] = memory[row + Row.UNAVAIL] + 1;
  if (after === State.UNHEALTHY) memory[row + Row.UNHEALTHY] = memory[row + Row.UNHEALTHY] + 1;
  if (before === State.UP) {
    forget_time(row);
    memory[row + Row.DOWN_SINCE] = now;
  } else if (after === State.UP) {
    const milliseconds = math.floor((now - memory[row + Row.DOWN_SINCE]) * 1000 + 0.5);
    memory[row + Row.DOWNTIME] = memory[row + Row.DOWNTIME] + milliseconds;
    memory[row + Row.STARTED_AT] = now;
    forget_time(row);
  }
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
  const after = judge(row);
  const before: State = memory[row + Row.STATE];
  if (before !== after) {
    use_rare_cells(row);
    // Several workers may find the change at the same time. One of them makes it, from what all have noted.
    exclusively(() => {
      change_state(subject, now, reason);
    });
  }
  // Last, so that a worker that saves the health at this moment saves it again.
  touch_health();
}

function change_state(subject: Subject, now: number, reason: string): void {
  const memory = shared_memory();
  const { row, upstream, incarnation } = subject;
  let before: State = memory[row + Row.STATE];
  let after = judge(row);
  // A worker that has noted something meanwhile may have seen the state before, and have changed nothing.
  while (after !== before) {
    memory[row + Row.STATE] = after;
    count_change(row, before, after, now);
    memory[upstream.row + UpstreamRow.HEALTH_REVISION] =
      memory[upstream.row + UpstreamRow.HEALTH_REVISION] + 1;
    if (after === State.UP) forget_reason(row_number_of(row));
    else keep_reason(row_number_of(row), incarnation, reason);
    record_event(subject, NAMES[before], NAMES[after], reason, after !== State.UP);
    before = after;
    after = judge(row);
  }
}
