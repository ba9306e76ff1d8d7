import { seconds_of } from "../config/time";
import type { ServerRecord } from "../store/document/document";
import { row_at } from "../store/memory/region";
import type { Reporter } from "./reported";

/** A server as health sees it. */
export interface Subject extends Reporter {
  max_fails: number;
  /** Seconds. */
  fail_timeout: number;
}

/** Makes a subject of a server as the store has it. `upstream_row`: the number of its upstream's row. Any phase. */
export function subject_of(upstream_name: string, upstream_row: number, record: ServerRecord): Subject {
  return {
    upstream_name,
    server: record.server,
    id: record.id,
    incarnation: record.incarnation,
    row: row_at(record.row),
    upstream_row: row_at(upstream_row),
    max_fails: record.max_fails,
    fail_timeout: seconds_of(record.fail_timeout),
  };
}
