import { type Cell, Row } from "./cells";
import { use_rare_cells } from "./rare_cells";
import { shared_memory } from "./region";
import { conclude } from "./state";
import type { Subject } from "./subject";

/** The ejections of servers by outlier detection, in cells that all workers share. */

/** Tells whether a server is ejected. `now`: the monotonic clock. */
export function is_ejected(row: Cell, now: number): boolean {
  return shared_memory()[row + Row.EJECTED_UNTIL] > now;
}

/** Ends an ejection whose time is over. Any phase. */
export function note_end_of_ejection(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  const until = memory[row + Row.EJECTED_UNTIL];
  if (until === 0 || until > now) return;
  use_rare_cells(row);
  memory[row + Row.EJECTION_ENDED] = until;
  memory[row + Row.EJECTED_UNTIL] = 0;
  conclude(subject, now, "its ejection is over");
}

/** Ends an ejection now, because outlier detection was removed. Any phase. */
export function end_ejection(subject: Subject, now: number): void {
  const memory = shared_memory();
  const { row } = subject;
  if (memory[row + Row.STAMP] !== subject.incarnation || !is_ejected(row, now)) return;
  memory[row + Row.EJECTED_UNTIL] = now;
  note_end_of_ejection(subject, now);
}
