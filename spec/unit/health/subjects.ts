import { SERVER_DEFAULTS, type ServerConfig } from "../../../src/resty/sluice/config/server";
import { seconds_of } from "../../../src/resty/sluice/config/time";
import { Row, type RowNumber, UpstreamRow } from "../../../src/resty/sluice/store/memory/cells";
import { create, row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { subject_of, type Subject } from "../../../src/resty/sluice/store/memory/subject";
import { make_dict } from "../support/dict";

const UPSTREAM_ROW = 1 as RowNumber;
const INCARNATION = 5;

/** Creates the shared memory with the row of a server, and returns the server. */
export function new_subject(limits: Partial<ServerConfig> = {}): Subject {
  make_dict();
  create(64, 4);
  shared_memory()[row_at(UPSTREAM_ROW) + UpstreamRow.EJECTS] = 1;
  return add_subject(2 as RowNumber, limits);
}

/** Adds the row of another server of the same upstream. */
export function add_subject(row: RowNumber, limits: Partial<ServerConfig> = {}): Subject {
  const memory = shared_memory();
  const { max_fails, fail_timeout } = { ...SERVER_DEFAULTS, ...limits };
  memory[row_at(row) + Row.STAMP] = INCARNATION;
  memory[row_at(row) + Row.MAX_FAILS] = max_fails;
  memory[row_at(row) + Row.FAIL_TIMEOUT] = seconds_of(fail_timeout);
  const server = `10.0.0.${row}:80`;
  return subject_of("app", UPSTREAM_ROW, { server, id: row, incarnation: INCARNATION, row });
}

/** Returns the value of a cell of the server's row. */
export function cell(subject: Subject, name: Row): number {
  return shared_memory()[subject.row + name];
}
