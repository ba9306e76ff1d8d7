import { parse_address } from "../config/address";
import type { ServerConfig } from "../config/server";
import { parse_time } from "../config/time";
import { read_settings, settings_of, type UpstreamSettings } from "../config/settings";
import { decode, encode, is_table, list } from "../lib/json";
import {
  bookkeeping_of,
  format_line,
  parse_line,
  restored_server,
  stored_server,
  type Document,
  type ServerRecord,
} from "./document";
import type { Edited } from "./edit";
import { is_local_id } from "./clustered";
import { allocate_row, free_row } from "./rows";
import { is_secret } from "./secret";
import { OUT_OF_MEMORY } from "./problems";

/** What several gateways share of an upstream: its settings and its servers, but those that each finds in a registry, as text. */

/** A server as it is shared: all but what each gateway has of it by itself. */
interface SharedServer extends ServerConfig {
  id: number;
}

/** What is shared of an upstream. */
export interface Shared {
  settings: UpstreamSettings;
  next_id: number;
  session_secret: string | undefined;
  servers: SharedServer[];
}

/** The shared part of a document, so that equals have equal texts. O(servers). */
export function shared_text(document: Document): string {
  const servers: object[] = [];
  for (const line of document.lines) {
    const record = parse_line(line);
    if (record.source !== "discovery") servers.push({ id: record.id, ...stored_server(record) });
  }
  const { next_id, session_secret } = document;
  return encode({ ...settings_of(document), next_id, session_secret, servers: list(servers) });
}

function read_shared_server(saved: unknown): SharedServer | undefined {
  if (!is_table(saved) || typeof saved.id !== "number" || is_local_id(saved.id)) return undefined;
  const [address] = parse_address(saved.server);
  if (address?.server !== saved.server) return undefined;
  const server = restored_server(saved as unknown as ServerConfig) as SharedServer;
  server.id = saved.id;
  const is_node =
    is_table(server.node) &&
    typeof server.node.name === "string" &&
    parse_time(server.node.ttl) !== undefined;
  if (server.source !== (is_node ? "register" : "")) return undefined;
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
  const servers: SharedServer[] = [];
  for (const saved of value.servers as unknown as unknown[]) {
    const server = read_shared_server(saved);
    if (server === undefined) return undefined;
    servers.push(server);
  }
  return { settings, next_id: value.next_id, session_secret: session_secret as string | undefined, servers };
}

/** The servers of a document that only this gateway has, and that a shared part leaves it. */
function local_lines(current: Document | undefined, { servers }: Shared): string[] {
  const addresses = new LuaSet<string>();
  for (const { server } of servers) addresses.add(server);
  const lines: string[] = [];
  for (const line of current?.lines ?? []) {
    const { id, server } = parse_line(line);
    if (is_local_id(id) && !addresses.has(server)) lines.push(line);
  }
  return lines;
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
    if (before?.server === server.server && before.backup === server.backup) {
      lines.push(format_line({ ...server, incarnation: before.incarnation, row: before.row }));
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
  for (const line of local_lines(current, shared)) lines.push(line);
  const { next_id, session_secret } = shared;
  const document: Document = {
    ...shared.settings,
    ...bookkeeping_of(current ?? { next_id }),
    next_id,
    session_secret,
    cluster_revision,
    revision,
    row,
    leavers: [],
    lines,
  };
  return $multi(document, undefined);
}
