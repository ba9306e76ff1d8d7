import { canonical_address } from "../../config/address";
import { block, copy_of, read_change, type ConfigOf } from "../../config/block";
import { source_of } from "../../config/discovery";
import { refuse, type Read } from "../../config/reader";
import { check_fit } from "../../config/fit";
import { format_problem, missing_value, unknown_parameter } from "../../config/problem";
import { read_settings, SETTINGS, settings_of, type UpstreamSettings } from "../../config/settings";
import { read_list } from "../../config/values";
import * as clock from "../../lib/clock";
import { decode, encode, is_table, list } from "../../lib/json";
import { set_of } from "../../lib/tables";
import { Row, type RowNumber } from "../memory/cells";
import { row_at, shared_memory } from "../memory/region";
import { allocate_row, free_row, start_row } from "../memory/rows";
import { FIRST_LOCAL_ID, is_local_id } from "./clustered";
import { BOOKKEEPING, bookkeeping_of, type Document } from "./document";
import type { Edited } from "./edit";
import { hosts_of } from "./host";
import { lines_with_hosts } from "./hosts";
import { format_line, has_sourced, is_found, parse_line, stored_server, type ServerRecord } from "./line";
import { OUT_OF_MEMORY } from "./problems";
import { NOT_WHOLE, read_secret } from "./readers";
import { read_saved_server, type SavedServer } from "./saved";

/** The part of an upstream that gateways share, as text: all but what each finds in a registry. */

const { next_id, hosts, session_secret, scaling, drained } = BOOKKEEPING.options;
/** The bookkeeping that the gateways share. */
const SHARED = block({ next_id, hosts, session_secret, scaling, drained });

/** The shared part of an upstream. */
export interface Shared extends ConfigOf<typeof SHARED> {
  settings: UpstreamSettings;
  servers: SavedServer[];
}

/** Returns the shared part of a document as text. Equal parts have equal texts. O(servers). */
export function shared_text(document: Document): string {
  const servers: object[] = [];
  for (const line of document.lines) {
    const record = is_found(line) ? undefined : parse_line(line);
    if (record !== undefined) servers.push({ id: record.id, ...stored_server(record) });
  }
  return encode({ ...settings_of(document), ...copy_of(SHARED, document), servers: list(servers) });
}

const FIELDS = set_of(SETTINGS.names, SHARED.names, ["servers"]);

/** Reads a shared server. Servers that each gateway finds by itself are refused. */
function read_shared_server(saved: unknown, settings: UpstreamSettings): Read<SavedServer> {
  const [server, problem] = read_saved_server(saved);
  if (server === undefined) return $multi(undefined, problem);
  if (server.source === "discovery" || server.source === "resolve" || is_local_id(server.id))
    return refuse("source", "a server that a registry or a host name brings is not shared");
  const unfit = check_fit(settings, server);
  return $multi(unfit === undefined ? server : undefined, unfit);
}

/** Reads the servers of a shared part. Each must have a unique id below `next_id` and a unique address. */
function read_shared_servers(
  value: unknown,
  settings: UpstreamSettings,
  next_id: number,
): Read<SavedServer[]> {
  const [items, no_list] = read_list("servers", value);
  if (items === undefined) return $multi(undefined, no_list);
  const servers: SavedServer[] = [];
  const taken = new LuaSet<string | number>();
  for (const item of items) {
    const path = `servers[${servers.length}]`;
    const [server, problem] = read_shared_server(item, settings);
    if (server === undefined)
      return $multi(undefined, format_problem(`${path}: ${problem?.text ?? "not a server"}`));
    if (server.id >= next_id || taken.has(server.id))
      return refuse(`${path}.id`, 'must be unique and below "next_id"');
    if (taken.has(server.server)) return refuse(`${path}.server`, "must be unique");
    taken.add(server.id);
    taken.add(server.server);
    servers.push(server);
  }
  return $multi(servers, undefined);
}

/** Reads a shared part as strictly as the API's input: another program may have written it. */
export function parse_shared(text: string): Read<Shared> {
  const [value] = decode(text);
  if (!is_table(value)) return $multi(undefined, format_problem("the value is not a JSON object"));
  for (const [name] of pairs(value)) {
    if (!FIELDS.has(name)) return $multi(undefined, unknown_parameter(tostring(name)));
  }
  const [book, bad_book] = read_change(SHARED, value);
  if (book === undefined) return $multi(undefined, bad_book);
  if (book.next_id > FIRST_LOCAL_ID) return refuse("next_id", NOT_WHOLE);
  if (value.method === undefined) return $multi(undefined, missing_value("method"));
  const [settings, unsettled] = read_settings(value);
  if (settings === undefined) return $multi(undefined, unsettled);
  if (settings.sticky?.cookie !== undefined && book.session_secret === undefined)
    return $multi(undefined, read_secret("session_secret", undefined)[1]);
  const [servers, bad_servers] = read_shared_servers(value.servers, settings, book.next_id);
  if (servers === undefined) return $multi(undefined, bad_servers);
  // Decoded, `{}` equals `[]`, and must not remove all servers.
  if (servers.length === 0 && string.find(text, '"servers":[]', 1, true)[0] === undefined)
    return refuse("servers", "must be a list");
  return $multi({ ...book, settings, servers }, undefined);
}

/**
 * Adds the servers that this gateway has found in a registry or for a host name, if it is still followed,
 * unless a shared one has the address. Those from before the upstream was shared get a new id.
 */
function add_local_lines(document: Document, current: Document | undefined, { servers }: Shared): void {
  const has_registry = source_of(document.discovery) !== undefined;
  const addresses = new LuaSet<string>();
  for (const { server } of servers) addresses.add(canonical_address(server));
  for (const line of lines_with_hosts(current?.lines ?? [], hosts_of(document))) {
    const is_followed = has_sourced(line, "discovery") ? has_registry : is_found(line);
    const record = is_followed ? parse_line(line) : undefined;
    if (record !== undefined && !addresses.has(canonical_address(record.server))) {
      if (!is_local_id(record.id)) {
        record.id = document.next_local_id ?? FIRST_LOCAL_ID;
        document.next_local_id = record.id + 1;
        shared_memory()[row_at(record.row) + Row.ID] = record.id;
      }
      document.lines.push(format_line(record));
    }
  }
}

function is_same(before: ServerRecord | undefined, server: SavedServer): before is ServerRecord {
  return (
    before !== undefined &&
    canonical_address(before.server) === canonical_address(server.server) &&
    before.backup === server.backup &&
    before.node?.incarnation === server.node?.incarnation
  );
}

/** Returns the lines of the shared servers; those that stay keep their state. Undefined: memory is full. */
function shared_lines(
  current: Document | undefined,
  { servers }: Shared,
  revision: number,
): string[] | undefined {
  const known = new LuaTable<number, ServerRecord | undefined>();
  for (const line of current?.lines ?? []) {
    const record = parse_line(line);
    known.set(record.id, record);
  }
  const lines: string[] = [];
  const taken: RowNumber[] = [];
  for (const server of servers) {
    const before = known.get(server.id);
    if (is_same(before, server)) {
      const { incarnation, row } = before;
      if (server.in_service === true && before.in_service !== true) start_row(row, clock.now());
      lines.push(format_line({ ...server, incarnation, row }));
    } else {
      const row = allocate_row(revision, server.id);
      if (row === undefined) {
        for (const freed of taken) free_row(freed);
        return undefined;
      }
      taken.push(row);
      lines.push(format_line({ ...server, incarnation: revision, row }));
    }
  }
  return lines;
}

/**
 * Replaces the shared part of an upstream by that of etcd, which has the version `cluster_revision`, and had
 * `cluster_origin` if it was put back.
 */
export function apply_shared(
  current: Document | undefined,
  shared: Shared,
  { cluster_revision, cluster_origin }: Pick<Document, "cluster_revision" | "cluster_origin">,
  revision: number,
): Edited {
  const row = current?.row ?? allocate_row(revision);
  const lines = row === undefined ? undefined : shared_lines(current, shared, revision);
  if (row === undefined || lines === undefined) {
    if (row !== undefined && current === undefined) free_row(row);
    return $multi(undefined, OUT_OF_MEMORY);
  }
  const document: Document = {
    ...shared.settings,
    ...bookkeeping_of(current ?? shared),
    cluster_revision,
    cluster_origin,
    revision,
    row,
    leavers: [],
    lines,
  };
  // Not a spread: what is absent there must not stay here.
  for (const name of SHARED.names as (keyof ConfigOf<typeof SHARED>)[])
    document[name] = shared[name] as never;
  add_local_lines(document, current, shared);
  return $multi(document, undefined);
}
