import type { NodeConfig } from "../config/node";
import type { ServerConfig } from "../config/server";
import { list, record } from "../lib/json";
import type { Document } from "../store/document/document";
import { hosts_of, type HostRecord } from "../store/document/host";
import { numbers_in, parse_line, stored_server } from "../store/document/line";
import { filter_object } from "./fields";

/** The JSON object of a server's configuration. */

/** The members of a server, in the order in which both APIs show them. */
export const SERVER_FIELDS = `
  id server service resolve weight max_conns max_fails fail_timeout slow_start route
  backup down drain standby in_service source parent host
`;
const server_record = record(`${SERVER_FIELDS} node`);

const parameters_record = record(`
  id server service resolve weight max_conns max_fails fail_timeout slow_start route
  backup down drain standby
`);

/** Returns the parameters of a server that differ from their defaults, as clients give them, after its id. */
export function parameters_object(server: ServerConfig, id?: number): object {
  return parameters_record({ ...stored_server(server), id });
}

/** Returns a server as both APIs show it: a record, or the one of a line. */
export function server_object(server: string | HostRecord): object {
  const record = typeof server === "string" ? parse_line(server) : server;
  const object: Record<string, unknown> = { ...record };
  // As in NGINX Plus, the id of a parent is a string.
  if (record.parent !== undefined) object.parent = string.format("%d", record.parent);
  // An absent "drain" means false, an absent "source" a server that was added over the API.
  if (object.drain === false) object.drain = undefined;
  if (object.source === "") object.source = undefined;
  if (object.node !== undefined) object.node = (object.node as NodeConfig).name;
  return server_record(object);
}

/**
 * Returns the servers in the order in which they were added, host names included. `fields`: as in
 * `filter_object`.
 */
export function server_objects(document: Document, fields?: readonly string[]): object[] {
  const objects: object[] = [];
  const hosts = hosts_of(document);
  let place = 0;
  for (const line of document.lines) {
    while (place < hosts.length && hosts[place].id < numbers_in(line)[0]) {
      objects.push(filter_object(server_object(hosts[place]), fields));
      place += 1;
    }
    objects.push(filter_object(server_object(line), fields));
  }
  for (const host of hosts.slice(place)) objects.push(filter_object(server_object(host), fields));
  return list(objects);
}
