import { seconds_of } from "../config/time";
import type { ServerRecord } from "../store/document/line";
import type { RowNumber } from "../store/memory/cells";
import { row_at } from "../store/memory/region";
import type { Reporter } from "./reported";

/** A server whose health is judged. */
export interface Subject extends Reporter {
  max_fails: number;
  /** Seconds. */
  fail_timeout: number;
}

/** Makes the subject for the record of a server. Any phase. */
export function subject_of(
  upstream_name: string,
  upstream_row_number: RowNumber,
  record: ServerRecord,
): Subject {
  return {
    upstream_name,
    server: record.server,
    id: record.id,
    incarnation: record.incarnation,
    row: row_at(record.row),
    upstream_row: row_at(upstream_row_number),
    max_fails: record.max_fails,
    fail_timeout: seconds_of(record.fail_timeout),
  };
}
