import { ADAPTIVE } from "../config/adaptive_limit";
import type { ServerConfig } from "../config/server";
import { encode, list, record, words } from "../lib/json";
import { rest } from "../lib/rest";
import { escape_invalid_utf8 } from "../lib/utf8";
import type { Document } from "../store/document/document";
import { hosts_of, type HostRecord } from "../store/document/host";
import { numbers_in, parse_line, stored_server, type ServerRecord } from "../store/document/line";
import { limit_now } from "../store/memory/limit";
import { filter_object } from "./fields";

/** The JSON object of a server's configuration. */

/** The members of a server, in the order in which both APIs show them. */
export const SERVER_FIELDS = `
  id server service resolve weight max_conns max_fails fail_timeout slow_start route zone
  backup down drain standby in_service source parent host
`;
const ALL_FIELDS = `${SERVER_FIELDS} node adaptive`;
const ALL_MEMBERS = words(ALL_FIELDS);
const server_record = record(ALL_FIELDS);

const parameters_record = record(`
  id server service resolve weight max_conns max_fails fail_timeout slow_start route zone
  backup down drain standby
`);

/** Returns the parameters of a server that differ from their defaults, as clients give them, after its id. */
export function parameters_object(server: ServerConfig, id?: number): object {
  return parameters_record({ ...stored_server(server), id });
}

/** Returns the value of a server's member as both APIs show it; undefined: they do not. */
export function shown_member(server: HostRecord, name: string): unknown {
  // An absent "drain" means false, an absent "zone" that there is none, an absent "source" that the server
  // was added over the API.
  if (name === "drain") return server.drain ? true : undefined;
  if (name === "source") return server.source === "" ? undefined : server.source;
  if (name === "zone") return server.zone === "" ? undefined : server.zone;
  if (name === "node") return server.node?.name;
  // As in NGINX Plus, the id of a parent is a string.
  if (name === "parent") return server.parent === undefined ? undefined : string.format("%d", server.parent);
  return server[name as keyof HostRecord];
}

/** Returns a server as both APIs show it: a record, or the one of a line. */
export function server_object(given: string | HostRecord): object {
  const server = typeof given === "string" ? parse_line(given) : given;
  const object: Record<string, unknown> = {};
  for (const name of ALL_MEMBERS) object[name] = shown_member(server, name);
  return server_record(object);
}

/** Returns a server as NGINX Plus shows it: `max_conns` is a number, with `adaptive` the present one. */
export function plus_server_object(
  this: void,
  { adaptive_limit }: Document,
  given: string | HostRecord,
): object {
  const server = typeof given === "string" ? parse_line(given) : given;
  const row = (server as Partial<ServerRecord>).row;
  if (server.max_conns !== ADAPTIVE) return server_object(server);
  const shown = { ...server, max_conns: limit_now(server, row, adaptive_limit), adaptive: true };
  return server_object(shown);
}

function configured_object(this: void, _document: Document, given: string | HostRecord): object {
  return server_object(given);
}

/** A line whose address needs no escapes. A path of a socket may have bytes that are not UTF-8. */
const PLAIN_LINE = '^(%d+) %d+ %d+ {"server":"([%w%.:%[%]/_-]*)"(.*)$';
/** The start of the JSON text of a server whose address is empty and whose id is 0. */
const EMPTY_START = '{"id":0,"server":""';

/** Returns a function that writes `server_object` as JSON in UTF-8, once for servers of equal parameters. */
export function new_server_writer(): (this: void, given: string | HostRecord) => string {
  const ends = new LuaTable<string, string | undefined>();
  return (given) => {
    const plain = typeof given === "string" ? given : "";
    const [id, address, parameters] = string.match(plain, PLAIN_LINE);
    if (id === undefined) return escape_invalid_utf8(encode(server_object(given)));
    let end = ends.get(parameters);
    if (end === undefined) {
      const empty = encode(server_object(`0 0 0 {"server":""${parameters}`));
      end = escape_invalid_utf8(string.sub(empty, EMPTY_START.length + 1));
      ends.set(parameters, end);
    }
    return `{"id":${id},"server":"${address}"${end}`;
  };
}

/** As many servers are joined to one text at a time. */
const SERVERS_A_PIECE = 256;

/** Returns the servers as `server_objects` does, as JSON text in UTF-8 if `write` returns that. Rests. */
export function server_list_text(
  document: Document,
  write: (this: void, given: string | HostRecord) => string = new_server_writer(),
): string {
  const servers = in_order(document);
  const pieces: string[] = [];
  for (const first of $range(0, servers.length - 1, SERVERS_A_PIECE)) {
    const texts: string[] = [];
    for (const index of $range(first, math.min(first + SERVERS_A_PIECE, servers.length) - 1)) {
      texts.push(write(servers[index]));
      rest();
    }
    pieces.push(first === 0 ? "[" : ",", table.concat(texts, ","));
  }
  pieces.push(pieces.length === 0 ? "[]" : "]");
  return table.concat(pieces);
}

/** Returns the servers in the order in which they were added: lines, and host names. */
function in_order(document: Document): (string | HostRecord)[] {
  const hosts = hosts_of(document);
  if (hosts.length === 0) return document.lines;
  const servers: (string | HostRecord)[] = [];
  let place = 0;
  for (const line of document.lines) {
    while (place < hosts.length && hosts[place].id < numbers_in(line)[0]) {
      servers.push(hosts[place]);
      place += 1;
    }
    servers.push(line);
  }
  for (const host of hosts.slice(place)) servers.push(host);
  return servers;
}

/**
 * Returns the servers in the order in which they were added, host names included.
 *
 * @param fields as in `filter_object`
 * @param object_of makes the object of a server
 */
export function server_objects(
  document: Document,
  fields?: readonly string[],
  object_of: (this: void, document: Document, given: string | HostRecord) => object = configured_object,
): object[] {
  return list(in_order(document).map((given) => filter_object(object_of(document, given), fields)));
}
