import type { Performance } from "../../health/anomaly";
import { Row } from "../../store/memory/cells";
import { Counter, TimeCell } from "../../store/memory/counter_cells";
import { use_rare_cells } from "../../store/memory/rare_cells";
import { counters_of, row_number_of, shared_memory, times_of } from "../../store/memory/region";
import type { LiveServer } from "./model";
import { responses_of } from "./responses";

/** What servers have done since their last judgement for anomalies. */

/** Returns what a server has done since its last judgement. Phase: timer. */
export function performance_of(server: LiveServer): Performance {
  const memory = shared_memory();
  const { row } = server;
  use_rare_cells(row);
  const { answers: all_answers, bad_answers: all_bad, unanswered } = responses_of(server);
  let timed = 0;
  let time = 0;
  for (const at of counters_of(row_number_of(row), server.incarnation)) {
    const count = memory[at + Counter.TIMED];
    timed = timed + count;
    if (count !== 0) time = time + memory[times_of(at) + TimeCell.HEADER_SUM];
  }
  const responses = all_answers + unanswered - memory[row + Row.JUDGED_RESPONSES];
  const errors = all_bad + unanswered - memory[row + Row.JUDGED_ERRORS];
  const answers = all_answers - memory[row + Row.JUDGED_ANSWERS];
  return {
    responses,
    errors,
    answers,
    bad_answers: errors - (responses - answers),
    timed: timed - memory[row + Row.JUDGED_TIMED],
    time: time - memory[row + Row.JUDGED_TIME],
  };
}

/** Begins the next count of a server. Phase: timer. */
export function begin_count(
  { row }: LiveServer,
  { responses, errors, answers, timed, time }: Performance,
): void {
  const memory = shared_memory();
  memory[row + Row.JUDGED_RESPONSES] = memory[row + Row.JUDGED_RESPONSES] + responses;
  memory[row + Row.JUDGED_ERRORS] = memory[row + Row.JUDGED_ERRORS] + errors;
  memory[row + Row.JUDGED_ANSWERS] = memory[row + Row.JUDGED_ANSWERS] + answers;
  memory[row + Row.JUDGED_TIMED] = memory[row + Row.JUDGED_TIMED] + timed;
  memory[row + Row.JUDGED_TIME] = memory[row + Row.JUDGED_TIME] + time;
}
