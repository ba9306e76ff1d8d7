import { Row } from "../store/memory/cells";
import { shared_memory } from "../store/memory/region";
import { conclude } from "./state";
import type { Subject } from "./subject";

/**
 * `max_fails` and `fail_timeout`, by nginx's rules: after so many failures, with no pause of `fail_timeout` between them
 * that was followed by a success, a server gets no requests for `fail_timeout`; then one, and all when that succeeds.
 * Counted over all workers.
 */

/** Notes that an attempt has failed on a server. `now`: the monotonic clock. Any phase. */
export function note_failure(subject: Subject, now: number, reason: string): void {
  const memory = shared_memory();
  const { row } = subject;
  if (subject.max_fails === 0 || memory[row + Row.STAMP] !== subject.incarnation) return;
  memory[row + Row.FAILS] = memory[row + Row.FAILS] + 1;
  memory[row + Row.FAILED_AT] = now;
  memory[row + Row.TRIED_AT] = now;
  conclude(subject, now, reason);
}

/** Notes that a server that had failures was given a request; when its time is over, that is the trial. Any phase. */
export function note_trial(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  // The sum that says until when it gets no requests: else those of one instant would all be let through, as no trial.
  if (now < memory[row + Row.TRIED_AT] + subject.fail_timeout) return;
  memory[row + Row.TRIED_AT] = now;
  conclude(subject, now, "");
}

/** Notes that a server that had failures has answered. Any phase. */
export function note_success(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.FAILS] === 0 || memory[row + Row.FAILED_AT] >= memory[row + Row.TRIED_AT]) return;
  memory[row + Row.FAILS] = 0;
  conclude(subject, now, "it answers again");
}
