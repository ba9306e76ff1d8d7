import { Row } from "../store/memory/cells";
import { use_rare_cells } from "../store/memory/rare_cells";
import { shared_memory } from "../store/memory/region";
import { conclude } from "../store/memory/state";
import type { Subject } from "../store/memory/subject";

/**
 * `max_fails` and `fail_timeout`, as in nginx. After `max_fails` failures, a server gets no requests for
 * `fail_timeout`. Then it gets one as a trial, and all others if the trial succeeds. A success after a pause
 * of `fail_timeout` resets the failures. They are counted over all workers.
 */

/** Notes that an attempt has failed on a server. `now`: the monotonic clock. Any phase. */
export function note_failure(subject: Subject, now: number, reason: string): void {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.MAX_FAILS] === 0 || memory[row + Row.STAMP] !== subject.incarnation) return;
  use_rare_cells(row);
  memory[row + Row.FAILS] = memory[row + Row.FAILS] + 1;
  memory[row + Row.FAILED_AT] = now;
  memory[row + Row.TRIED_AT] = now;
  conclude(subject, now, reason);
}

/** Notes a request to a server with failures. After `fail_timeout`, the request is the trial. Any phase. */
export function note_trial(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  // The same sum decides until when the server gets no requests. Otherwise all requests of one moment would
  // pass.
  if (now < memory[row + Row.TRIED_AT] + memory[row + Row.FAIL_TIMEOUT]) return;
  memory[row + Row.TRIED_AT] = now;
  conclude(subject, now, "");
}

/** Notes a response of a server with failures. Any phase. */
export function note_success(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.FAILS] === 0 || memory[row + Row.FAILED_AT] >= memory[row + Row.TRIED_AT]) return;
  memory[row + Row.FAILS] = 0;
  conclude(subject, now, "it answers again");
}
