import { place_of } from "../../config/address";
import { check_fit } from "../../config/fit";
import { invalid_value, type Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { carried_over, changed_server, type ServerChange, type ServerConfig } from "../../config/server";
import { encode } from "../../lib/json";
import { rest } from "../../lib/rest";
import type { Document } from "./document";
import { address_server, hosts_of, stored_host, type HostRecord } from "./host";
import { format_line, has_sourced, is_found, parent_in, parse_line } from "./line";

/**
 * The API's changes of servers with host names. They change the servers at their addresses in the same step.
 */

/** Returns the server with a host name that has an id. */
export function find_host(document: Document, id: number): HostRecord | undefined {
  return hosts_of(document).find((host) => host.id === id);
}

/** Returns the server with a host name that has a name, and a service if one is given. */
export function find_host_at(document: Document, server: string, service?: string): HostRecord | undefined {
  return hosts_of(document).find((host) => {
    return host.server === server && (service === undefined || host.service === service);
  });
}

/** Tells whether a document has a server with a host name in exactly this form. */
export function has_host(document: Document, host: HostRecord): boolean {
  const text = encode(stored_host(host));
  return hosts_of(document).some((each) => encode(stored_host(each)) === text);
}

/** Stores the servers with host names of a document that may be changed. */
export function set_hosts(document: Document, hosts: readonly HostRecord[]): void {
  document.hosts = hosts.length === 0 ? undefined : hosts.map((host) => stored_host(host));
}

/** Returns the line of a server at an address of a host name, with the present parameters of its parent. */
function inherited_line(line: string, host: HostRecord): string {
  const before = parse_line(line);
  const { id, incarnation, row, server, backup } = before;
  const weight = host.service === undefined ? host.weight : before.weight;
  const after = address_server(host, server, weight, backup);
  return format_line({ ...carried_over(after, before), id, incarnation, row });
}

/**
 * Returns the lines that remain with the given servers with host names: addresses of others go, and those
 * that stay have the parameters of their parents.
 */
export function lines_with_hosts(lines: readonly string[], hosts: readonly HostRecord[]): string[] {
  const by_id = new LuaTable<number, HostRecord | undefined>();
  for (const host of hosts) by_id.set(host.id, host);
  const remaining: string[] = [];
  for (const line of lines) {
    rest();
    const is_plain = !is_found(line) || has_sourced(line, "discovery");
    const host = is_plain ? undefined : by_id.get(parent_in(line) ?? -1);
    if (is_plain) remaining.push(line);
    else if (host !== undefined) remaining.push(inherited_line(line, host));
  }
  return remaining;
}

/** Adds a server with a host name. */
export function add_host(current: Document, server: ServerConfig): Read<Document> {
  const hosts = hosts_of(current);
  const there = hosts.find((host) => place_of(host) === place_of(server));
  if (there !== undefined) {
    const text = `entry exists: the upstream has a server "${there.server}"`;
    return $multi(undefined, { status: 409, code: "EntryExists", text });
  }
  const document: Document = { ...current, next_id: current.next_id + 1 };
  set_hosts(document, hosts.concat([{ ...server, id: current.next_id }]));
  return $multi(document, undefined);
}

function immutable(field: string): Problem {
  const reason = 'cannot be changed, because the server has "resolve"';
  return { ...invalid_value(field, reason), code: "UpstreamServerImmutable" };
}

/** Changes the parameters of a server with a host name, and of the servers at its addresses. */
export function patch_host(current: Document, host: HostRecord, change: ServerChange): Read<Document> {
  const [server, problem] = changed_server(host, change);
  if (server === undefined) return $multi(undefined, problem);
  for (const field of ["server", "service", "resolve"] as const) {
    if (server[field] !== host[field]) return $multi(undefined, immutable(field));
  }
  const unfit = check_fit(current, server);
  if (unfit !== undefined) return $multi(undefined, unfit);
  const changed: HostRecord = { ...server, id: host.id };
  const hosts = hosts_of(current).map((one) => (one.id === host.id ? changed : one));
  const document: Document = { ...current, lines: lines_with_hosts(current.lines, hosts) };
  set_hosts(document, hosts);
  return $multi(document, undefined);
}

/** Removes a server with a host name, and the servers at its addresses. */
export function remove_host(current: Document, { id }: HostRecord): Document {
  const hosts = hosts_of(current).filter((host) => host.id !== id);
  const document: Document = { ...current, lines: lines_with_hosts(current.lines, hosts) };
  set_hosts(document, hosts);
  return document;
}

/**
 * Returns the servers with host names that an upstream has after it was replaced: those that it had keep
 * their ids. `next_id`: the id of the first new one.
 */
export function replaced_hosts(
  current: Document | undefined,
  servers: readonly ServerConfig[],
  next_id: number,
): HostRecord[] {
  const before = current === undefined ? [] : hosts_of(current);
  let id = next_id;
  const hosts: HostRecord[] = [];
  for (const server of servers) {
    const there = before.find((host) => place_of(host) === place_of(server) && host.backup === server.backup);
    const host: HostRecord = { ...server, source: "", id: there?.id ?? id };
    // Not in the literal: what is undefined there would stay.
    host.node = undefined;
    host.parent = undefined;
    host.host = undefined;
    hosts.push(host);
    if (there === undefined) id += 1;
  }
  table.sort(hosts, (one, other) => one.id < other.id);
  return hosts;
}
