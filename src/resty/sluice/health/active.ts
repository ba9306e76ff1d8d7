import { Row } from "../store/memory/cells";
import { keep_reason } from "../store/memory/reasons";
import { has_rare_cells, use_rare_cells } from "../store/memory/rare_cells";
import { row_number_of, shared_memory } from "../store/memory/region";
import { Check, State } from "../store/memory/states";
import { conclude } from "../store/memory/state";
import type { Subject } from "../store/memory/subject";
import { is_outdated, is_unproven, prove, withhold, type Judged } from "./proof";

/**
 * Active checks: a server is unhealthy after `fails` failed checks in a row, and healthy after `passes`
 * passed ones.
 */

/** Keeps the reason of the last failed check of an unhealthy server: the first one may be outdated. */
function keep_last_reason({ row, incarnation }: Subject, reason: string): void {
  const state: State = shared_memory()[row + Row.STATE];
  if (state === State.UNHEALTHY) keep_reason(row_number_of(row), incarnation, reason);
}

/** Notes the result of a check. `now`: the monotonic clock. Any phase. */
export function note_check(
  subject: Subject,
  check: Judged,
  passed: boolean,
  reason: string,
  now: number,
): void {
  const memory = shared_memory();
  const { row } = subject;
  const { config } = check;
  if (memory[row + Row.STAMP] !== subject.incarnation || is_outdated(subject, check)) return;
  use_rare_cells(row);
  const verdict: Check = memory[row + Row.CHECK];
  if (verdict === Check.WANTED && !config.mandatory) {
    memory[row + Row.CHECK] = Check.NONE;
    conclude(subject, now, "its check is no longer mandatory");
  }
  memory[row + Row.CHECKS] = memory[row + Row.CHECKS] + 1;
  if (!passed) memory[row + Row.CHECK_FAILS] = memory[row + Row.CHECK_FAILS] + 1;
  const result = passed ? 1 : 0;
  // Without a verdict, both results contradict it, and neither may count for the other.
  if (memory[row + Row.LAST_PASSED] !== result) memory[row + Row.CHECK_RESULTS] = 0;
  memory[row + Row.LAST_PASSED] = result;
  if (passed) prove(subject, check, now);
  else keep_last_reason(subject, reason);

  const before: Check = memory[row + Row.CHECK];
  const said = passed ? Check.PASSED : Check.FAILED;
  const results = memory[row + Row.CHECK_RESULTS];
  const in_a_row = passed ? math.max(0, results) + 1 : math.min(0, results) - 1;
  const is_enough = math.abs(in_a_row) >= (passed ? config.passes : config.fails);
  if (!passed && is_enough && before !== said && !config.mandatory) {
    memory[row + Row.CHECK_RESULTS] = in_a_row;
    if (is_unproven(subject)) {
      withhold(subject, reason);
      return;
    }
  }
  memory[row + Row.CHECK_RESULTS] = before === said || is_enough ? 0 : in_a_row;
  if (before === said || !is_enough) return;
  memory[row + Row.CHECK] = said;
  conclude(subject, now, reason);
}

/** Forgets the check results of a server that is no longer checked. Any phase. */
export function forget_checks(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.STAMP] !== subject.incarnation) return;
  memory[row + Row.CHECK] = Check.NONE;
  if (has_rare_cells(row)) {
    memory[row + Row.CHECK_RESULTS] = 0;
    memory[row + Row.LAST_PASSED] = -1;
  }
  conclude(subject, now, "it is no longer checked");
}
