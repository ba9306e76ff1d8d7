import { canonical_address } from "../../config/address";
import { check_fit } from "../../config/fit";
import type { NodeConfig } from "../../config/node";
import type { Problem } from "../../config/problem";
import { carried_over, type ServerConfig } from "../../config/server";
import { seconds_of } from "../../config/time";
import { encode } from "../../lib/json";
import { rest } from "../../lib/rest";
import { set_of } from "../../lib/tables";
import { Row } from "../memory/cells";
import { rare_cells_of, use_rare_cells } from "../memory/rare_cells";
import { row_at, shared_memory } from "../memory/region";
import { allocate_row } from "../memory/rows";
import { find_by_address, type Document } from "./document";
import { add_lines, copy, exists, type Edited } from "./edit";
import { format_line, has_sourced, numbers_in, parse_line, server_text, type ServerRecord } from "./line";
import { OUT_OF_MEMORY } from "./problems";

/** Servers that register themselves. A renewal only writes a number in shared memory. */

/** A server that has registered itself. */
export interface NodeRecord extends ServerRecord {
  node: NodeConfig;
}

/** A registration that ends so soon, in seconds, may be being removed right now. */
const MARGIN = 0.1;

/** Returns a server's parameters together with its registration. */
export function node_server(server: ServerConfig, node: NodeConfig): ServerConfig {
  return { ...server, source: "register", node };
}

const NEWLINE = 10;

function line_at(text: string, position: number): string {
  let start = position;
  while (start > 1 && string.byte(text, start - 1) !== NEWLINE) start -= 1;
  return string.match(text, "^[^\n]*", start)[0];
}

/** Returns the server that has registered itself as `name`, if a text has its line. */
export function find_node(text: string, name: string): NodeRecord | undefined {
  const member = `"name":${encode(name)},"ttl":`;
  let [position] = string.find(text, member, 1, true);
  while (position !== undefined) {
    const record = parse_line(line_at(text, position));
    // The metadata of another node may contain the same text.
    if (record.node?.name === name) return record as NodeRecord;
    [position] = string.find(text, member, position + 1, true);
  }
  return undefined;
}

/** Returns all servers that have registered themselves. O(servers). */
export function registered_nodes(document: Document): NodeRecord[] {
  const nodes: NodeRecord[] = [];
  for (const line of document.lines) {
    if (has_sourced(line, "register")) nodes.push(parse_line(line) as NodeRecord);
    rest();
  }
  return nodes;
}

/** Returns when a registration ends, by the monotonic clock; 0: not known since nginx has started. */
export function expires({ row }: ServerRecord): number {
  return shared_memory()[rare_cells_of(row_at(row)) + Row.EXPIRES];
}

/** Returns whether a registration has ended and the guard keeps the server. */
export function is_expired(record: ServerRecord): boolean {
  const expired_at = shared_memory()[row_at(record.row) + Row.EXPIRED_AT];
  return expired_at !== 0 && expired_at === expires(record);
}

/** Records that the guard keeps an expired server. Returns whether that is new. Under the write lock. */
export function keep_expired(record: ServerRecord): boolean {
  if (is_expired(record)) return false;
  shared_memory()[row_at(record.row) + Row.EXPIRED_AT] = expires(record);
  return true;
}

/** Extends a registration to a `ttl` after `now`. */
export function extend(record: NodeRecord, now: number): void {
  extend_to(record, now + seconds_of(record.node.ttl));
}

/** Sets the end of a registration. */
export function extend_to(record: NodeRecord, end: number): void {
  const row = row_at(record.row);
  use_rare_cells(row);
  shared_memory()[row + Row.EXPIRES] = end;
}

/** Renews an unchanged registration without a lock or a write. Undefined: it must be written. Any phase. */
export function renew(text: string, server: ServerConfig, now: number): NodeRecord | undefined {
  const record = server.node === undefined ? undefined : find_node(text, server.node.name);
  if (record === undefined || server_text(record) !== server_text(carried_over(server, record)))
    return undefined;
  const is_alive = shared_memory()[row_at(record.row) + Row.STAMP] === record.incarnation;
  if (!is_alive || expires(record) - now < MARGIN) return undefined;
  extend(record, now);
  return record;
}

/** Returns the new line. Another address, group or incarnation of its own makes it another server. */
function changed_line(before: NodeRecord, server: ServerConfig, revision: number): string | undefined {
  const { id, incarnation, row, backup, node } = before;
  const is_there = canonical_address(before.server) === canonical_address(server.server);
  const is_same = is_there && backup === server.backup && node.incarnation === server.node?.incarnation;
  if (is_same) return format_line({ ...carried_over(server, before), id, incarnation, row });
  const new_row = allocate_row(revision, id);
  if (new_row === undefined) return undefined;
  // A standby server that is in service stays in service after its restart.
  const in_service = is_there && server.standby === true ? before.in_service : undefined;
  return format_line({ ...server, in_service, id, incarnation: revision, row: new_row });
}

function put_node(
  document: Document,
  server: ServerConfig,
  name: string,
  revision: number,
): Problem | undefined {
  const before = find_node(table.concat(document.lines, "\n"), name);
  if (before === undefined) return add_lines(document, [server], revision);
  const line = changed_line(before, server, revision);
  if (line === undefined) return OUT_OF_MEMORY;
  document.lines[document.lines.indexOf(format_line(before))] = line;
  return undefined;
}

/** Registers a server, or renews its registration, with the parameters that it has now. */
export function register(current: Document, server: ServerConfig, now: number, revision: number): Edited {
  const name = server.node?.name ?? "";
  const unfit = check_fit(current, server);
  if (unfit !== undefined) return $multi(undefined, unfit);
  const index = find_by_address(current, server.server);
  if (index !== undefined && parse_line(current.lines[index]).node?.name !== name)
    return $multi(undefined, exists(current.lines[index]));
  const document = copy(current);
  const full = put_node(document, server, name, revision);
  if (full !== undefined) return $multi(undefined, full);
  extend(find_node(table.concat(document.lines, "\n"), name) as NodeRecord, now);
  return $multi(document, undefined);
}

/** Returns the problem of a node that does not exist. */
export function node_not_found(name: string): Problem {
  return { status: 404, code: "NodeNotFound", text: `node "${string.sub(name, 1, 128)}" is not registered` };
}

/** Removes the server that has registered itself as `name`. */
export function leave(current: Document, name: string): Edited {
  const record = find_node(table.concat(current.lines, "\n"), name);
  if (record === undefined) return $multi(undefined, node_not_found(name));
  return $multi(without_nodes(current, [record]), undefined);
}

/** Returns a document without some of its registered servers. */
export function without_nodes(current: Document, records: readonly NodeRecord[]): Document {
  const gone = set_of(records.map(({ id }) => id));
  const lines = current.lines.filter(
    (line) => !has_sourced(line, "register") || !gone.has(numbers_in(line)[0]),
  );
  return { ...current, lines };
}
