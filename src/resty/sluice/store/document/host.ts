import { format_problem } from "../../config/problem";
import { refuse, type Read } from "../../config/reader";
import { read_named_server, type ServerConfig } from "../../config/server";
import { is_table } from "../../lib/json";
import { restored_server, stored_server } from "./line";
import { read_whole } from "./readers";

/**
 * Servers with a host name that is resolved. They receive no requests, so they have no line and no row: an
 * upstream's own line has them, and each of their addresses is a server of its own.
 */

/** A server with a host name. */
export interface HostRecord extends ServerConfig {
  id: number;
}

/**
 * A server with a host name, as an upstream's line has it: the parameters that differ from their defaults.
 */
export type StoredHost = Record<string, unknown> & { id: number; server: string };

/** Returns the stored form of a server. It has no order of its own, so that equal ones have equal texts. */
export function stored_host(host: HostRecord): StoredHost {
  const stored: Record<string, unknown> = {};
  for (const [name, value] of pairs(stored_server(host) as Record<string, unknown>)) stored[name] = value;
  stored.id = host.id;
  return stored as StoredHost;
}

/** Returns the servers with host names of an upstream, in the order of adding. */
export function hosts_of({ hosts }: { hosts?: readonly StoredHost[] | undefined }): HostRecord[] {
  return (hosts ?? []).map((stored) => {
    const host = restored_server(stored) as HostRecord;
    host.id = stored.id;
    return host;
  });
}

/** Reads a stored server with a host name. */
export function read_host(this: void, path: string, value: unknown): Read<StoredHost> {
  if (!is_table(value)) return refuse(path, "must be an object");
  const [id, bad_id] = read_whole(`${path}.id`, value.id);
  if (id === undefined) return $multi(undefined, bad_id);
  const parameters = { ...value };
  parameters.id = undefined;
  const [server, problem] = read_named_server(parameters);
  if (server === undefined) return $multi(undefined, format_problem(`${path}: ${problem?.text ?? ""}`));
  if (server.resolve !== true) return refuse(`${path}.resolve`, "must be true");
  return $multi(stored_host({ ...server, id }), undefined);
}

/** Makes the server at an address of a host name, with the parameters of its parent. */
export function address_server(
  host: HostRecord,
  server: string,
  weight: number,
  backup: boolean,
): ServerConfig {
  const { id, max_conns, max_fails, fail_timeout, slow_start, route, zone, down, drain } = host;
  return {
    server,
    weight,
    backup,
    down,
    drain,
    leave_by: "",
    max_conns,
    max_fails,
    fail_timeout,
    slow_start,
    route,
    zone,
    source: "resolve",
    parent: id,
    host: host.server,
  };
}
