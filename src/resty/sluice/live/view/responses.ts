import { row_number_of } from "../../store/memory/region";
import { status_of } from "../../store/memory/statistics";
import type { LiveServer } from "./model";

/** What a server has answered since it was added, or since its statistics were reset. */
export interface Responses {
  /** Responses, and those of 5xx among them. */
  answers: number;
  bad_answers: number;
  /** Requests that failed without a response. */
  unanswered: number;
}

const FIRST_SERVER_ERROR = 500;

/** Counts the responses of a server over all workers. Phase: timer. */
export function responses_of({ row, incarnation }: LiveServer): Responses {
  const { codes, unanswered } = status_of(row_number_of(row), incarnation);
  let answers = 0;
  let bad_answers = 0;
  for (const [code, count] of pairs(codes)) {
    answers = answers + count;
    if (code >= FIRST_SERVER_ERROR) bad_answers = bad_answers + count;
  }
  return { answers, bad_answers, unanswered };
}
