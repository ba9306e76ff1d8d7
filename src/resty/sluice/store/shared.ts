import { canonical_address } from "../config/address";
import { source_of } from "../config/discovery";
import { read_settings, settings_of, type UpstreamSettings } from "../config/settings";
import * as clock from "../lib/clock";
import { decode, encode, is_table, list } from "../lib/json";
import {
  bookkeeping_of,
  format_line,
  parse_line,
  stored_server,
  type Document,
  type Scaling,
  type ServerRecord,
} from "./document";
import type { Edited } from "./edit";
import { FIRST_LOCAL_ID, is_local_id } from "./clustered";
import { Row } from "./cells";
import { row_at, shared_memory } from "./region";
import { has_sourced } from "./sourced";
import { allocate_row, free_row, start_row } from "./rows";
import { read_saved_server, read_scaling, type SavedServer } from "./saved";
import { is_secret } from "./secret";
import { OUT_OF_MEMORY } from "./problems";

/** What several gateways share of an upstream: its settings and its servers, but those that each finds in a registry, as text. */

/** What is shared of an upstream. */
export interface Shared {
  settings: UpstreamSettings;
  next_id: number;
  session_secret: string | undefined;
  scaling: Scaling | undefined;
  servers: SavedServer[];
}

/** The shared part of a document, so that equals have equal texts. O(servers). */
export function shared_text(document: Document): string {
  const servers: object[] = [];
  for (const line of document.lines) {
    const record = parse_line(line);
    if (record.source !== "discovery") servers.push({ id: record.id, ...stored_server(record) });
  }
  const { next_id, session_secret, scaling } = bookkeeping_of(document);
  return encode({ ...settings_of(document), next_id, session_secret, scaling, servers: list(servers) });
}

/** Reads a server as it is shared: not one that each gateway has found by itself. */
function read_shared_server(saved: unknown): SavedServer | undefined {
  const [server] = read_saved_server(saved);
  if (server === undefined || server.source === "discovery" || is_local_id(server.id)) return undefined;
  return server;
}

/** Reads a shared part; undefined when it is none. */
export function parse_shared(text: string): Shared | undefined {
  const [value] = decode(text);
  if (!is_table(value) || typeof value.next_id !== "number" || !is_table(value.servers)) return undefined;
  const [settings] = read_settings(value);
  const { session_secret } = value;
  if (settings === undefined || !(session_secret === undefined || is_secret(session_secret)))
    return undefined;
  const servers: SavedServer[] = [];
  const taken = new LuaSet<string | number>();
  for (const saved of value.servers as unknown as unknown[]) {
    const server = read_shared_server(saved);
    if (server === undefined || taken.has(server.id) || taken.has(server.server)) return undefined;
    taken.add(server.id);
    taken.add(server.server);
    servers.push(server);
  }
  return {
    settings,
    next_id: value.next_id,
    session_secret: session_secret as string | undefined,
    // What is none counts as none.
    scaling: read_scaling(value.scaling)[0],
    servers,
  };
}

/**
 * Adds the servers that this gateway alone has found, unless there is no registry any more or the shared part has their
 * addresses. Those of the time when it was alone get another id.
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

/** Whether a server goes on as what it was. */
function is_same(before: ServerRecord | undefined, server: SavedServer): before is ServerRecord {
  return (
    before !== undefined &&
    canonical_address(before.server) === canonical_address(server.server) &&
    before.backup === server.backup &&
    before.node?.incarnation === server.node?.incarnation
  );
}

/** The lines of the shared servers: who stays keeps its state. Undefined when memory is exhausted. */
function shared_lines(
  current: Document | undefined,
  { servers }: Shared,
  revision: number,
): string[] | undefined {
  const known = new LuaTable<number, ServerRecord>();
  for (const line of current?.lines ?? []) {
    const record = parse_line(line);
    known.set(record.id, record);
  }
  const lines: string[] = [];
  const taken: number[] = [];
  for (const server of servers) {
    const before = known.get(server.id) as ServerRecord | undefined;
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

/** Makes the shared part of an upstream what etcd has. `cluster_revision`: etcd's, as the document has it. */
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
  add_local_lines(document, current, shared);
  return $multi(document, undefined);
}
