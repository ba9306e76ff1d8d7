import type { RowNumber } from "./cells";
import { delete_report, get_report, put_report } from "./dict";

/**
 * Why servers are not up: texts in the shared dict under the numbers of their rows, each with the incarnation
 * that it is about. If the dict is full there is no reason, and the API says only what the state is.
 */

function key_of(row: RowNumber): string {
  return string.format("reason:%d", row);
}

/** Returns why a server is not up; undefined: not known, as after a restart. Any phase. */
export function reason_of(row: RowNumber, incarnation: number): string | undefined {
  const text = get_report(key_of(row));
  const [whose, reason] = string.match(text ?? "", "^(%d+) (.*)$");
  return tonumber(whose) === incarnation ? reason : undefined;
}

/** Removes the reason of a row: its server is up again or was deleted. Any phase. */
export function forget_reason(row: RowNumber): void {
  delete_report(key_of(row));
}

/** Keeps why a server is not up. Any phase. */
export function keep_reason(row: RowNumber, incarnation: number, reason: string): void {
  if (reason_of(row, incarnation) === reason) return;
  // A text that does not fit must not leave an earlier one that is wrong now.
  forget_reason(row);
  put_report(key_of(row), string.format("%d %s", incarnation, reason));
}
