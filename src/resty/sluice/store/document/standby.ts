import { start_row } from "../memory/rows";
import { find_by_id, type Document } from "./document";
import { copy, type Edited } from "./edit";
import { format_line, parse_line } from "./line";
import { server_not_found } from "./problems";

/** Standby servers: known and checked, but without requests until they are brought into service. */

/** Puts a standby server of any source into service, where its `slow_start` begins, or back. */
export function set_in_service(current: Document, id: number, in_service: boolean, now: number): Edited {
  const index = find_by_id(current, id);
  if (index === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  const record = parse_line(current.lines[index]);
  const document = copy(current);
  if (record.standby !== true) return $multi(document, undefined);
  record.in_service = in_service ? true : undefined;
  document.lines[index] = format_line(record);
  if (in_service) start_row(record.row, now);
  return $multi(document, undefined);
}
