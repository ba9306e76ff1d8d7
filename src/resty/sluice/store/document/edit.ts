import { canonical_address } from "../../config/address";
import { check_fit } from "../../config/fit";
import { is_host_name } from "../../config/host_name";
import { invalid_value, type Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { changed_server, check_by_hand, type ServerChange, type ServerConfig } from "../../config/server";
import { rest } from "../../lib/rest";
import type { RowNumber } from "../memory/cells";
import { allocate_row, free_row } from "../memory/rows";
import { FIRST_LOCAL_ID, is_clustered, is_local_id } from "./clustered";
import { find_by_address, find_by_id, type Document } from "./document";
import { add_host, find_host, patch_host, remove_host } from "./hosts";
import { address_in, format_line, parse_line, type ServerRecord } from "./line";
import { OUT_OF_MEMORY, server_not_found } from "./problems";

/** The API's changes of a document. Each returns the new document, or undefined and the problem. */
export type Edited = Read<Document>;

/** Returns the problem of a server whose address belongs to the server of `line`. */
export function exists(line: string): Problem {
  const text = `entry exists: the upstream has a server "${address_in(line)}"`;
  return { status: 409, code: "EntryExists", text };
}

/** Copies a document, so that its lines can be changed. */
export function copy(document: Document): Document {
  return { ...document, lines: document.lines.slice() };
}

/** Returns the id of the first of some servers that are added together, all from the same source. */
function next_ids(document: Document, servers: readonly ServerConfig[]): number {
  const source = servers.length === 0 ? "" : servers[0].source;
  const is_local = is_clustered() && (source === "discovery" || source === "resolve");
  return is_local ? (document.next_local_id ?? FIRST_LOCAL_ID) : document.next_id;
}

/**
 * Adds servers at the end of a document that may be changed: all of them, or none when memory is exhausted.
 */
export function add_lines(
  document: Document,
  servers: readonly ServerConfig[],
  revision: number,
): Problem | undefined {
  const first_id = next_ids(document, servers);
  const rows: RowNumber[] = [];
  for (const index of $range(0, servers.length - 1)) {
    const row = allocate_row(revision, first_id + index);
    if (row === undefined) {
      for (const taken of rows) free_row(taken);
      return OUT_OF_MEMORY;
    }
    rows.push(row);
    rest();
  }
  for (const [number, row] of ipairs(rows)) {
    const record: ServerRecord = {
      ...servers[number - 1],
      id: first_id + number - 1,
      incarnation: revision,
      row,
    };
    document.lines.push(format_line(record));
    rest();
  }
  if (is_local_id(first_id)) document.next_local_id = first_id + servers.length;
  else document.next_id = first_id + servers.length;
  return undefined;
}

/** Returns the problem of a host name in a place where nobody looks it up. */
export function check_address({ server }: ServerConfig): Problem | undefined {
  if (!is_host_name(server)) return undefined;
  const reason = `"${server}" is a host name that cannot be looked up here: give it with "resolve" to a new server`;
  return { ...invalid_value("server", reason), code: "UpstreamConfNoResolver" };
}

/** Adds a server at the end. */
export function add_server(current: Document, server: ServerConfig, revision: number): Edited {
  const unfit = check_fit(current, server);
  if (unfit !== undefined) return $multi(undefined, unfit);
  if (server.resolve === true) return add_host(current, server);
  const unknown = check_address(server);
  if (unknown !== undefined) return $multi(undefined, unknown);
  const there = find_by_address(current, server.server);
  if (there !== undefined) return $multi(undefined, exists(current.lines[there]));
  const document = copy(current);
  const full = add_lines(document, [server], revision);
  return $multi(full === undefined ? document : undefined, full);
}

/** Changes a server's parameters. Another address, not only another spelling, makes it another server. */
export function patch_server(current: Document, id: number, change: ServerChange, revision: number): Edited {
  const index = find_by_id(current, id);
  const host = index === undefined ? find_host(current, id) : undefined;
  if (host !== undefined) return patch_host(current, host, change);
  if (index === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  const record = parse_line(current.lines[index]);
  const foreign = check_by_hand(record);
  if (foreign !== undefined) return $multi(undefined, foreign);
  const [server, problem] = changed_server(record, change);
  if (server === undefined) return $multi(undefined, problem);
  const unfit = check_fit(current, server) ?? check_address(server);
  if (unfit !== undefined) return $multi(undefined, unfit);

  const document = copy(current);
  let { incarnation, row } = record;
  const there = server.server === record.server ? index : find_by_address(current, server.server);
  if (there !== undefined && there !== index) return $multi(undefined, exists(current.lines[there]));
  if (canonical_address(server.server) !== canonical_address(record.server)) {
    const new_row = allocate_row(revision, id);
    if (new_row === undefined) return $multi(undefined, OUT_OF_MEMORY);
    incarnation = revision;
    row = new_row;
    // The drain job and the service state belonged to the old server.
    server.leave_by = "";
    server.in_service = undefined;
  }
  document.lines[index] = format_line({ ...server, id, incarnation, row });
  return $multi(document, undefined);
}

/** Removes a server. */
export function remove_server(current: Document, id: number): Edited {
  const index = find_by_id(current, id);
  const host = index === undefined ? find_host(current, id) : undefined;
  if (host !== undefined) return $multi(remove_host(current, host), undefined);
  if (index === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  const foreign = check_by_hand(parse_line(current.lines[index]));
  if (foreign !== undefined) return $multi(undefined, foreign);
  const document = copy(current);
  table.remove(document.lines, index + 1);
  return $multi(document, undefined);
}
