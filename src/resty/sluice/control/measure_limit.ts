import { CODE_STEP, CODES, Counter, TimeCell } from "../store/memory/counter_cells";
import type { Cell, RowNumber } from "../store/memory/cells";
import { code_cell, counters_of, shared_memory, times_of } from "../store/memory/region";
import type { Window } from "./limit_state";

/** Measures what a server does in a window of time, from the counters and histograms that exist anyway. */

/** The sums of the counters of all workers. Times are in milliseconds. */
export interface Sums {
  responses: number;
  /** The responses that were errors. */
  errors: number;
  unanswered: number;
  /** The responses whose times were counted, and the sum of those times. */
  timed: number;
  time: number;
}

const TOO_MANY_REQUESTS = 429;
const FIRST_SERVER_ERROR = 500;

/**
 * Adds the responses that a worker has counted. The cells of status codes are filled from the first one on.
 */
function add_responses(sums: Sums, counters: Cell): void {
  const memory = shared_memory();
  for (const index of $range(0, CODES - 1)) {
    const value = memory[code_cell(counters, index)];
    if (value === 0) return;
    const code = value % CODE_STEP;
    const count = (value - code) / CODE_STEP;
    sums.responses += count;
    if (code === TOO_MANY_REQUESTS || code >= FIRST_SERVER_ERROR) sums.errors += count;
  }
}

/** Sums up what all workers have counted at a server. */
export function sum_up(row: RowNumber, incarnation: number): Sums {
  const memory = shared_memory();
  const sums: Sums = { responses: 0, errors: 0, unanswered: 0, timed: 0, time: 0 };
  for (const counters of counters_of(row, incarnation)) {
    add_responses(sums, counters);
    sums.unanswered += memory[counters + Counter.UNANSWERED];
    const timed = memory[counters + Counter.TIMED];
    // Cells that no response has touched yet hold nothing.
    if (timed !== 0) {
      sums.timed += timed;
      sums.time += memory[times_of(counters) + TimeCell.RESPONSE_SUM];
    }
  }
  return sums;
}

/** Tells whether the counters have been reset since `before`. */
export function is_reset(before: Sums, now: Sums): boolean {
  return (
    now.responses < before.responses ||
    now.errors < before.errors ||
    now.unanswered < before.unanswered ||
    now.timed < before.timed ||
    now.time < before.time
  );
}

/**
 * Returns what has happened between two measurements; undefined: too little to judge by.
 *
 * The time of errors counts for the other responses. Otherwise a server that fails fast would seem fast.
 *
 * @param wanted the fewest ended attempts
 * @param passed seconds between them
 */
export function window_between(before: Sums, now: Sums, wanted: number, passed: number): Window | undefined {
  const responses = now.responses - before.responses;
  const unanswered = now.unanswered - before.unanswered;
  const timed = now.timed - before.timed;
  const answers = responses + unanswered;
  if (answers < wanted || (responses > 0 && timed === 0)) return undefined;
  const time = now.time - before.time;
  const successes = responses - (now.errors - before.errors);
  return {
    passed,
    answers,
    unanswered,
    time: successes > 0 ? time / (timed * (successes / responses)) : undefined,
    // By Little's law. The times of some responses stand for those of all.
    in_flight: timed === 0 ? 0 : ((time / timed) * responses) / (passed * 1000),
  };
}
