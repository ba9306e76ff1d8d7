import { canonical_address } from "../../config/address";
import { SERVER_DEFAULTS, type ServerConfig } from "../../config/server";
import { settings_of, type UpstreamSettings } from "../../config/settings";
import { decode, encode, shape, shaped } from "../../lib/json";
import type { RowNumber } from "../memory/cells";

/** A server as the store keeps it. */
export interface ServerRecord extends ServerConfig {
  /** Its number within the upstream; never used again while the upstream lives. */
  id: number;
  /** The revision that added it; tells it from an earlier server with the same id or address. */
  incarnation: number;
  /** Its place in the shared memory. */
  row: RowNumber;
}

/** A removed server that may still be finishing requests; its row is kept until it has. */
export interface Leaver {
  row: RowNumber;
  incarnation: number;
}

/**
 * An upstream as it stands in the shared dict: a line of its own, then a line a server, in the order of adding. A
 * worker that knows a line knows the server, so telling what has changed needs no decoding.
 */
export interface Document extends UpstreamSettings, Bookkeeping {
  /** Of the last change. */
  revision: number;
  /** Its place in the shared memory. */
  row: RowNumber;
  leavers: Leaver[];
  lines: string[];
}

/** What an upstream has to remember beside its settings and its servers. */
export interface Bookkeeping {
  /** The id that the next server gets. */
  next_id: number;
  /** The same of servers that only this gateway of several has; absent: it is alone. */
  next_local_id?: number | undefined;
  /**
   * The version of what several gateways share of it: etcd's history and revision; absent: it is not shared.
   */
  cluster_revision?: string | undefined;
  /**
   * What the values of its sticky cookie are made with, from the first such cookie to the upstream's end. Whoever has
   * it can choose a server: it goes into no answer and no log.
   */
  session_secret?: string | undefined;
  /** The last decision of `autoscale`; absent: there was none. */
  scaling?: Scaling | undefined;
  /** The call of its webhook that has not been answered yet; absent: there is none. Only the gateway that has decided has it. */
  call?: Call | undefined;
  /** The servers that drain jobs have removed lately, the last one at the end; absent: there are none. */
  drained?: Drained[] | undefined;
}

/** A server that a drain job has removed. */
export interface Drained {
  id: number;
  server: string;
  /** When it was removed, in ISO 8601. */
  time: string;
}

/** A decision to scale, as far as the next one depends on it. */
export interface Scaling {
  /** Tells it from all others. */
  id: string;
  /** When it was made, or its call answered: seconds since 1970, by the clock of the gateway that has decided. */
  time: number;
  /**
   * For so many seconds from now on its call may be under way, if the gateway that makes it lives. Absent: there is no
   * call, or it has been answered.
   */
  wait?: number | undefined;
}

/** A call of a webhook. */
export interface Call {
  /** That of the decision. */
  id: string;
  body: string;
  /** It has been answered, but the other gateways do not know yet. */
  is_heard?: true | undefined;
}

const SCALING = shape(["id", "time", "wait"]);
const CALL = shape(["id", "body", "is_heard"]);
const DRAINED = shape(["id", "server", "time"]);

/** Its members, in the order in which they are stored. */
export const BOOKKEEPING_FIELDS = [
  "session_secret",
  "next_id",
  "next_local_id",
  "cluster_revision",
  "scaling",
  "call",
  "drained",
] as const;

/** Copies what an upstream has to remember, and nothing else. */
export function bookkeeping_of({
  next_id,
  next_local_id,
  cluster_revision,
  session_secret,
  scaling,
  call,
  drained,
}: Bookkeeping): Bookkeeping {
  const book: Bookkeeping = { next_id, next_local_id, cluster_revision, session_secret };
  if (scaling !== undefined) book.scaling = shaped(scaling, SCALING);
  if (call !== undefined) book.call = shaped(call, CALL);
  for (const entry of drained ?? []) shaped(entry, DRAINED);
  if (drained !== undefined && drained.length > 0) book.drained = drained;
  return book;
}

type StoredServer = Partial<ServerConfig> & { server: string };

/** The parameters, in the order in which they are stored. */
export const STORED_FIELDS = [
  "server",
  "weight",
  "backup",
  "down",
  "drain",
  "leave_by",
  "max_conns",
  "max_fails",
  "fail_timeout",
  "slow_start",
  "route",
  "standby",
  "in_service",
  "source",
  "node",
] as const;
const SERVER_SHAPE = shape(STORED_FIELDS);

/** A server's parameters as they are stored: only what is not the default, `server` first. */
export function stored_server(server: ServerConfig): StoredServer {
  const stored: Record<string, unknown> = {};
  for (const field of STORED_FIELDS) {
    if (server[field] !== SERVER_DEFAULTS[field]) stored[field] = server[field];
  }
  return shaped(stored, SERVER_SHAPE) as StoredServer;
}

/** What stands of a server in its line, so that equals have equal texts. */
export function server_text(server: ServerConfig): string {
  return encode(stored_server(server));
}

/** The opposite of `stored_server`. */
export function restored_server(stored: StoredServer): ServerConfig {
  const server: Record<string, unknown> = {};
  for (const field of STORED_FIELDS) {
    const value = stored[field] ?? SERVER_DEFAULTS[field];
    // In Lua a key takes room with nothing behind it, too: the table would be twice as large.
    if (value !== undefined) server[field] = value;
  }
  return server as unknown as ServerConfig;
}

/** Writes a server's line. */
export function format_line(server: ServerRecord): string {
  return string.format("%d %d %d %s", server.id, server.incarnation, server.row, server_text(server));
}

/** Reads a server's line. */
export function parse_line(line: string): ServerRecord {
  const [id, incarnation, row, stored] = string.match(line, "^(%d+) (%d+) (%d+) (.+)$");
  const server = restored_server(decode(stored)[0] as StoredServer) as ServerRecord;
  server.id = tonumber(id) as number;
  server.incarnation = tonumber(incarnation) as number;
  server.row = tonumber(row) as RowNumber;
  return server;
}

/** The address in a server's line, as it was written. */
export function address_in(line: string): string {
  const [address] = string.match(line, '^%d+ %d+ %d+ {"server":"([^"]*)"');
  if (address === undefined || string.sub(address, -1) === "\\") return parse_line(line).server;
  // A path has slashes, which JSON may write in two ways.
  if (string.find(address, "\\", 1, true)[0] === undefined) return address;
  return (decode(`["${address}"]`)[0] as string[])[0];
}

/** Writes a document as text. */
export function format_document(document: Document): string {
  const { revision, row, leavers } = document;
  const head = encode({ ...settings_of(document), ...bookkeeping_of(document), revision, row, leavers });
  if (document.lines.length === 0) return `${head}\n`;
  return `${head}\n${table.concat(document.lines, "\n")}\n`;
}

/** Reads a document's own line, without the servers. Returns it, and where the servers' lines begin. */
export function parse_head(text: string): LuaMultiReturn<[Document, number]> {
  const [end_of_head] = string.find(text, "\n", 1, true);
  const head = decode(string.sub(text, 1, end_of_head - 1))[0] as Document;
  head.lines = [];
  return $multi(head, end_of_head + 1);
}

/** Reads a document from its text; a text that was padded at its end reads the same. */
export function parse_document(text: string): Document {
  const [document, start] = parse_head(text);
  for (const [line] of string.gmatch(string.sub(text, start), "[^\n]+")) document.lines.push(line);
  return document;
}

/** The server `id` of a document's text, without reading the rest of that. */
export function find_record(text: string, id: number): ServerRecord | undefined {
  const [position] = string.find(text, string.format("\n%d ", id), 1, true);
  return position === undefined ? undefined : parse_line(string.match(text, "[^\n]+", position + 1)[0]);
}

/** False: no line of a text, or not this one, has a server that a drain job is to take out. */
export function has_drain_job(text: string): boolean {
  return string.find(text, '"leave_by":', 1, true)[0] !== undefined;
}

/** The index of the line of the server `id`. */
export function find_by_id({ lines }: Document, id: number): number | undefined {
  const start = string.format("%d ", id);
  for (const index of $range(0, lines.length - 1)) {
    if (string.sub(lines[index], 1, start.length) === start) return index;
  }
  return undefined;
}

/**
 * The index of the line of the server at an address, however that is written. A state of version 0.1.0 may have servers
 * whose addresses differ only in that: then the one that is written so comes first.
 */
export function find_by_address({ lines }: Document, address: string): number | undefined {
  const name = canonical_address(address);
  let other: number | undefined;
  for (const index of $range(0, lines.length - 1)) {
    const known = address_in(lines[index]);
    if (known === address) return index;
    if (other === undefined && canonical_address(known) === name) other = index;
  }
  return other;
}
