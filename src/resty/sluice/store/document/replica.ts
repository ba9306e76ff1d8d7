import { canonical_address } from "../../config/address";
import { source_of } from "../../config/discovery";
import type { Read } from "../../config/reader";
import { check_fit } from "../../config/fit";
import {
  format_problem,
  invalid_value,
  missing_value,
  unknown_parameter,
  type Problem,
} from "../../config/problem";
import { read_settings, SETTINGS_FIELDS, settings_of, type UpstreamSettings } from "../../config/settings";
import { read_list } from "../../config/values";
import * as clock from "../../lib/clock";
import { decode, encode, is_table, list } from "../../lib/json";
import { Row, type RowNumber } from "../memory/cells";
import { row_at, shared_memory } from "../memory/region";
import { allocate_row, free_row, start_row } from "../memory/rows";
import { FIRST_LOCAL_ID, is_local_id } from "./clustered";
import { bookkeeping_of, type Document, type Drained, type Scaling } from "./document";
import type { Edited } from "./edit";
import { format_line, has_sourced, parse_line, stored_server, type ServerRecord } from "./line";
import { OUT_OF_MEMORY } from "./problems";
import { is_whole, read_drained, read_saved_server, read_scaling, type SavedServer } from "./saved";
import { is_secret } from "./secret";

/**
 * The part of an upstream that the gateways of a cluster share, as text: its settings and its servers, except
 * those that each gateway finds in a registry.
 */

/** The shared part of an upstream. */
export interface Shared {
  settings: UpstreamSettings;
  next_id: number;
  session_secret: string | undefined;
  scaling: Scaling | undefined;
  drained: Drained[] | undefined;
  servers: SavedServer[];
}

/** Returns the shared part of a document as text. Equal parts have equal texts. O(servers). */
export function shared_text(document: Document): string {
  const servers: object[] = [];
  for (const line of document.lines) {
    const record = parse_line(line);
    if (record.source !== "discovery") servers.push({ id: record.id, ...stored_server(record) });
  }
  const { next_id, session_secret, scaling, drained } = bookkeeping_of(document);
  const book = { next_id, session_secret, scaling, drained };
  return encode({ ...settings_of(document), ...book, servers: list(servers) });
}

/** The members of a shared part. */
const FIELDS = new LuaSet<string>();
for (const names of [SETTINGS_FIELDS, ["next_id", "session_secret", "scaling", "drained", "servers"]]) {
  for (const name of names) FIELDS.add(name);
}

/** Reads a shared server. Servers that each gateway finds by itself are refused. */
function read_shared_server(saved: unknown, settings: UpstreamSettings): Read<SavedServer> {
  const [server, problem] = read_saved_server(saved);
  if (server === undefined) return $multi(undefined, problem);
  if (server.source === "discovery" || is_local_id(server.id))
    return $multi(undefined, invalid_value("source", "a server that a registry brings is not shared"));
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
      return $multi(undefined, invalid_value(`${path}.id`, 'must be unique and below "next_id"'));
    if (taken.has(server.server)) return $multi(undefined, invalid_value(`${path}.server`, "must be unique"));
    taken.add(server.id);
    taken.add(server.server);
    servers.push(server);
  }
  return $multi(servers, undefined);
}

/** Checks the secret of sticky cookies, which an upstream without such cookies need not have. */
function check_secret(secret: unknown, { sticky }: UpstreamSettings): Problem | undefined {
  const is_absent = secret === undefined && sticky?.cookie === undefined;
  return is_absent || is_secret(secret)
    ? undefined
    : invalid_value("session_secret", "must be 32 hexadecimal digits");
}

/** Reads a shared part as strictly as the API's input: another program may have written it. */
export function parse_shared(text: string): Read<Shared> {
  const [value] = decode(text);
  if (!is_table(value)) return $multi(undefined, format_problem("the value is not a JSON object"));
  for (const [name] of pairs(value)) {
    if (!FIELDS.has(name)) return $multi(undefined, unknown_parameter(tostring(name)));
  }
  const { next_id, session_secret } = value;
  if (!is_whole(next_id, 0) || next_id > FIRST_LOCAL_ID)
    return $multi(undefined, invalid_value("next_id", "must be a whole number in its range"));
  if (value.method === undefined) return $multi(undefined, missing_value("method"));
  const [settings, unsettled] = read_settings(value);
  if (settings === undefined) return $multi(undefined, unsettled);
  const bad_secret = check_secret(session_secret, settings);
  if (bad_secret !== undefined) return $multi(undefined, bad_secret);
  let scaling: Scaling | undefined;
  if (value.scaling !== undefined) {
    const [read, bad_scaling] = read_scaling(value.scaling);
    if (read === undefined) return $multi(undefined, bad_scaling);
    scaling = read;
  }
  let drained: Drained[] | undefined;
  if (value.drained !== undefined) {
    const [read, bad_drained] = read_drained(value.drained);
    if (read === undefined) return $multi(undefined, bad_drained);
    drained = read;
  }
  const [servers, bad_servers] = read_shared_servers(value.servers, settings, next_id);
  if (servers === undefined) return $multi(undefined, bad_servers);
  // Decoded, `{}` equals `[]`, and must not remove all servers.
  if (servers.length === 0 && string.find(text, '"servers":[]', 1, true)[0] === undefined)
    return $multi(undefined, invalid_value("servers", "must be a list"));
  return $multi(
    { settings, next_id, session_secret: session_secret as string | undefined, scaling, drained, servers },
    undefined,
  );
}

/**
 * Adds the servers that this gateway has found in a registry, unless the upstream has no registry any more or
 * the shared part has the same address. Those from before the upstream was shared get a new id.
 */
function add_local_lines(document: Document, current: Document | undefined, { servers }: Shared): void {
  if (source_of(document.discovery) === undefined) return;
  const addresses = new LuaSet<string>();
  for (const { server } of servers) addresses.add(canonical_address(server));
  for (const line of current?.lines ?? []) {
    const record = has_sourced(line, "discovery") ? parse_line(line) : undefined;
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

/** Returns whether a shared server continues an existing one. */
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

/** Replaces the shared part of an upstream by that of etcd, which has the version `cluster_revision`. */
export function apply_shared(
  current: Document | undefined,
  shared: Shared,
  cluster_revision: string,
  revision: number,
): Edited {
  const row = current?.row ?? allocate_row(revision);
  const lines = row === undefined ? undefined : shared_lines(current, shared, revision);
  if (row === undefined || lines === undefined) {
    if (row !== undefined && current === undefined) free_row(row);
    return $multi(undefined, OUT_OF_MEMORY);
  }
  const { next_id, session_secret, scaling } = shared;
  const document: Document = {
    ...shared.settings,
    ...bookkeeping_of(current ?? { next_id }),
    next_id,
    cluster_revision,
    revision,
    row,
    leavers: [],
    lines,
  };
  document.session_secret = session_secret;
  document.scaling = scaling;
  document.drained = shared.drained;
  add_local_lines(document, current, shared);
  return $multi(document, undefined);
}
