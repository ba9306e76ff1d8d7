import type { Problem } from "../../config/problem";
import type { Reading } from "../../store/history/reader";
import { Header } from "../../store/memory/header_cells";
import { shared_memory } from "../../store/memory/region";

/** The problems of requests about the history. */

export const NOT_KEPT: Problem = {
  status: 404,
  code: "HistoryNotKept",
  text: "no history is kept: setup has no state_dir, or history.changes is 0",
};

function shown(revision: number): string {
  return string.format("%d", revision);
}

/** The problem of a revision that changed nothing which the client sees and the history holds. */
export function not_in_history(revision: number): Problem {
  const { start, last } = range();
  const text =
    `the history has no change of an upstream with the revision ${shown(revision)}: ` +
    `it holds those after revision ${start}, up to ${last}`;
  return { status: 404, code: "RevisionNotFound", text };
}

/** The problem of a revision that cannot be restored. */
export function not_restorable(revision: number): Problem {
  const { start, last } = range();
  const text =
    `invalid "to": revision ${shown(revision)} cannot be restored: ` +
    `the history reaches from revision ${start} to ${last}`;
  return { status: 404, code: "RevisionNotFound", text, field: "to" };
}

function range(): { start: string; last: string } {
  const memory = shared_memory();
  return { start: shown(memory[Header.HISTORY_START]), last: shown(memory[Header.HISTORY_LAST]) };
}

/** The problem of a damaged history. */
export function unreadable({ expected, flaw }: Reading): Problem {
  const where = expected === undefined ? "the newest change" : `revision ${shown(expected)}`;
  return {
    status: 500,
    code: "HistoryUnreadable",
    text: `could not read the history from ${where} on: ${flaw ?? ""}`,
  };
}
