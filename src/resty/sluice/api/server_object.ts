import type { ServerConfig } from "../config/server";
import { list, record, words } from "../lib/json";
import type { Document } from "../store/document/document";
import { parse_line, stored_server } from "../store/document/line";
import type { SavedServer } from "../store/document/saved";
import { filter_object } from "./fields";

/** The JSON object of a server's configuration. */

/** The members of a server, in the order in which both APIs show them. */
export const SERVER_FIELDS = `
  id server weight max_conns max_fails fail_timeout slow_start route
  backup down drain standby in_service source
`;
const ALL_FIELDS = `${SERVER_FIELDS} node`;
const ALL_MEMBERS = words(ALL_FIELDS);
const server_record = record(ALL_FIELDS);

const parameters_record = record(`
  id server weight max_conns max_fails fail_timeout slow_start route
  backup down drain standby
`);

/** Returns the parameters of a server that differ from their defaults, as clients give them, after its id. */
export function parameters_object(server: ServerConfig, id?: number): object {
  return parameters_record({ ...stored_server(server), id });
}

/** Returns the value of a server's member as both APIs show it; undefined: they do not. */
export function shown_member(server: SavedServer, name: string): unknown {
  // An absent "drain" means false, an absent "source" a server that was added over the API.
  if (name === "drain") return server.drain ? true : undefined;
  if (name === "source") return server.source === "" ? undefined : server.source;
  if (name === "node") return server.node?.name;
  return server[name as keyof SavedServer];
}

/** Returns a server as both APIs show it. */
export function server_object(line: string): object {
  const server = parse_line(line);
  const object: Record<string, unknown> = {};
  for (const name of ALL_MEMBERS) object[name] = shown_member(server, name);
  return server_record(object);
}

/** Returns the servers in the order in which they were added. `fields`: as in `filter_object`. */
export function server_objects(document: Document, fields?: readonly string[]): object[] {
  const objects: object[] = [];
  for (const line of document.lines) objects.push(filter_object(server_object(line), fields));
  return list(objects);
}
