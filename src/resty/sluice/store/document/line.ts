import { SERVER_DEFAULTS, type ServerConfig } from "../../config/server";
import { decode, encode, shape, shaped } from "../../lib/json";
import { new_table } from "../../lib/tables";
import type { RowNumber } from "../memory/cells";

/**
 * A server's line in a document: its id, incarnation and row, then its parameters as JSON. Only this file and
 * `records.ts` know the format. The line identifies the server: a worker that knows the line knows the
 * server.
 */

/** A server of an upstream, as the store keeps it. */
export interface ServerRecord extends ServerConfig {
  /** Unique within the upstream, and never used again while the upstream exists. */
  id: number;
  /** The revision that added the server; an earlier server with the same id or address had another. */
  incarnation: number;
  /** The number of its row in the shared memory. */
  row: RowNumber;
}

/**
 * The sources of servers, as lines name them: a registry, the servers themselves, or a host name by its id.
 */
export type SourceMark = "discovery" | "register" | `resolve ${string}`;

/** Returns the mark of the addresses of a host name. `id`: that of the server that has the name. */
export function mark_of_host(id: number): SourceMark {
  return `resolve ${string.format("%d", id)}`;
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
  "zone",
  "standby",
  "in_service",
  "source",
  "parent",
  "host",
  "resolve",
  "service",
  "node",
] as const;
const SERVER_SHAPE = shape(STORED_FIELDS);
/** Most servers have no more fields, with those of their record: the others are undefined. */
const USUAL_FIELDS = 16;

/** Returns the parameters to store: those that differ from the default, `server` first. */
export function stored_server(server: ServerConfig): StoredServer {
  const stored: Record<string, unknown> = {};
  for (const field of STORED_FIELDS) {
    if (server[field] !== SERVER_DEFAULTS[field]) stored[field] = server[field];
  }
  return shaped(stored, SERVER_SHAPE) as StoredServer;
}

/** Returns the text of a server's parameters. Equal servers have equal texts. */
export function server_text(server: ServerConfig): string {
  return encode(stored_server(server));
}

/** Restores a server from its stored parameters. */
export function restored_server(stored: StoredServer): ServerConfig {
  const server = new_table(0, USUAL_FIELDS) as Record<string, unknown>;
  for (const field of STORED_FIELDS) {
    const value = stored[field] ?? SERVER_DEFAULTS[field];
    // Assigning nil would allocate room for the key.
    if (value !== undefined) server[field] = value;
  }
  return server as unknown as ServerConfig;
}

/** Returns the line of a server with parameters that `server_text` has written. */
export function line_with(id: number, incarnation: number, row: RowNumber, parameters: string): string {
  return string.format("%d %d %d %s", id, incarnation, row, parameters);
}

/** Writes a server's line. */
export function format_line(server: ServerRecord): string {
  return line_with(server.id, server.incarnation, server.row, server_text(server));
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

/** Reads the numbers of a server's line, without decoding its parameters. */
export function numbers_in(line: string): LuaMultiReturn<[id: number, incarnation: number, row: RowNumber]> {
  const [id, incarnation, row] = string.match(line, "^(%d+) (%d+) (%d+) ");
  return $multi(tonumber(id) as number, tonumber(incarnation) as number, tonumber(row) as RowNumber);
}

/** Returns the parameters in a server's line, as `server_text` writes them. */
export function parameters_in(line: string): string {
  return string.match(line, "^%d+ %d+ %d+ (.+)$")[0];
}

/** Returns the address in a server's line, as it was given. */
export function address_in(line: string): string {
  const [address] = string.match(line, '^%d+ %d+ %d+ {"server":"([^"]*)"');
  if (address === undefined || string.sub(address, -1) === "\\") return parse_line(line).server;
  // JSON may escape the slashes of a path.
  if (string.find(address, "\\", 1, true)[0] === undefined) return address;
  return (decode(`["${address}"]`)[0] as string[])[0];
}

/** Returns an iterator over the lines of a document's text, from where `parse_head` says that they begin. */
export function lines_in(text: string, start: number): LuaIterable<LuaMultiReturn<[string]>> {
  return string.gmatch(string.sub(text, start), "[^\n]+") as LuaIterable<LuaMultiReturn<[string]>>;
}

/** Returns false when certainly no server in a text, or in a line, has an adaptive limit. */
export function has_adaptive(text: string): boolean {
  return string.find(text, '"max_conns":"adaptive"', 1, true)[0] !== undefined;
}

/** Returns false when certainly no server in a text, or in a line, has a drain job. */
export function has_drain_job(text: string): boolean {
  return string.find(text, '"leave_by":', 1, true)[0] !== undefined;
}

/** Returns what added the server of a line. The first match counts; a node's metadata follows it. */
export function source_in(line: string): ServerConfig["source"] {
  return (string.match(line, '"source":"(%a+)"')[0] ?? "") as ServerConfig["source"];
}

/** Returns whether a source brought a server. */
export function has_sourced(line: string, source: SourceMark): boolean {
  const [kind, end] = string.match(line, '"source":"(%a+)"()');
  if (kind !== "resolve") return kind === source;
  return source === `resolve ${string.match(line, '^,"parent":(%d+)', tonumber(end))[0] ?? ""}`;
}

/** Returns the id of the server whose host name a server belongs to; undefined: it belongs to none. */
export function parent_in(line: string): number | undefined {
  return tonumber(string.match(line, '"source":"resolve","parent":(%d+)')[0]);
}

/**
 * Returns whether a source that each gateway follows by itself brought a server: a registry or a host name.
 */
export function is_found(line: string): boolean {
  const source = source_in(line);
  return source === "discovery" || source === "resolve";
}

/** Returns false when certainly no server in a text comes from a source. */
export function may_have_sourced(text: string, source: SourceMark): boolean {
  return string.find(text, `"source":"${source}"`, 1, true)[0] !== undefined;
}
