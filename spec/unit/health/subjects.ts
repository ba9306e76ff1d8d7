import { SERVER_DEFAULTS, type ServerConfig } from "../../../src/resty/sluice/config/server";
import { note_limits } from "../../../src/resty/sluice/store/limits";
import { Row, type RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { create, row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { subject_of, type Subject } from "../../../src/resty/sluice/store/memory/subject";
import { make_dict } from "../support/dict";

const UPSTREAM_ROW = 1 as RowNumber;
const INCARNATION = 5;

/** Creates the shared memory with the row of a server, and returns the server. */
export function new_subject(parameters: Partial<ServerConfig> = {}): Subject {
  make_dict();
  create(64, 4);
  return add_subject(2 as RowNumber, parameters);
}

/** Adds the row of another server of the same upstream. */
export function add_subject(row: RowNumber, parameters: Partial<ServerConfig> = {}): Subject {
  shared_memory()[row_at(row) + Row.STAMP] = INCARNATION;
  const place = { server: `10.0.0.${row}:80`, id: row, incarnation: INCARNATION, row };
  note_limits([{ ...SERVER_DEFAULTS, ...parameters, ...place }]);
  return subject_of("app", UPSTREAM_ROW, place);
}

/** Returns the value of a cell of the server's row. */
export function cell(subject: Subject, name: Row): number {
  return shared_memory()[subject.row + name];
}
