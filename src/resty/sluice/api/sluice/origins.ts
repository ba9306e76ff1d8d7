import { source_of } from "../../config/discovery";
import { read_node, type NodeConfig } from "../../config/node";
import type { Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import type { ServerConfig } from "../../config/server";
import { at_server, type UpstreamConfig } from "../../config/upstream";
import { is_table } from "../../lib/json";
import { rest } from "../../lib/rest";
import type { Document } from "../../store/document/document";
import { parse_line, source_in } from "../../store/document/line";
import { registered_nodes } from "../../store/document/nodes";
import { new_line_finder } from "../../store/document/records";
import { has_source } from "../../store/document/replace";

/**
 * Handles the members of servers that GET returns and that are not parameters. A client may send a saved
 * answer to an upstream that has changed since, or to another one. The address identifies a server, not the
 * id.
 */

/** The source of a server at the time of the GET that returned it. */
export interface Origin {
  /** True: the entry has an id, so it is a copy of what GET returned. */
  is_copy: boolean;
  source: ServerConfig["source"];
  node: NodeConfig | undefined;
}

const NO_ORIGIN: Origin = { is_copy: false, source: "", node: undefined };

/** The ttl of a copied registration, which GET does not return. A live node soon renews with its own. */
const TTL_OF_COPY = "60s";
const LARGEST_ID = 2 ** 53;

/** The members that GET returns and that are not parameters. */
const MEMBERS_OF_GET = ["id", "source", "in_service", "node", "parent", "host"];

function check_id(id: unknown): Problem | undefined {
  if (typeof id === "number" && id === math.floor(id) && id >= 0 && id <= LARGEST_ID) return undefined;
  const text = 'invalid "id": not the ID of a server';
  return { status: 400, code: "UpstreamBadServerId", text, field: "id" };
}

function take_origin(server: Record<string, unknown>): Read<Origin> {
  const { id, source, node } = server;
  for (const member of MEMBERS_OF_GET) server[member] = undefined;
  const bad_id = id === undefined ? undefined : check_id(id);
  if (bad_id !== undefined) return $multi(undefined, bad_id);
  const is_copy = id !== undefined;
  if (source === "discovery" || source === "resolve")
    return $multi({ is_copy, source, node: undefined }, undefined);
  if (source !== "register" || typeof node !== "string")
    return $multi({ is_copy, source: "", node: undefined }, undefined);
  const [registration, problem] = read_node(node, { ttl: TTL_OF_COPY });
  if (registration === undefined) return $multi(undefined, problem);
  return $multi({ is_copy, source, node: registration }, undefined);
}

/** Removes from the servers of a body the members that are not parameters. Returns their origins. */
export function take_origins(servers: unknown): Read<Origin[]> {
  const origins: Origin[] = [];
  for (const server of is_table(servers) ? (servers as unknown as unknown[]) : []) {
    rest();
    const [origin, problem] = take_origin(is_table(server) ? server : {});
    if (origin === undefined) return $multi(undefined, at_server(origins.length, problem as Problem));
    origins.push(origin);
  }
  return $multi(origins, undefined);
}

/** Tells whether an upstream follows a registry both before and after a change. */
function follows_registry(current: Document | undefined, config: UpstreamConfig): boolean {
  return source_of(current?.discovery) !== undefined && source_of(config.discovery) !== undefined;
}

/**
 * Returns the servers to apply, with their sources. A copy is left out if its source decides its parameters,
 * if its registry no longer names the server, or if the node has registered itself with another address.
 */
export function with_origins(
  current: Document | undefined,
  config: UpstreamConfig,
  origins: readonly Origin[],
): ServerConfig[] {
  const line_at = current === undefined ? undefined : new_line_finder(current);
  const nodes = new LuaSet<string>();
  for (const record of current === undefined ? [] : registered_nodes(current)) nodes.add(record.node.name);
  const is_following = follows_registry(current, config);
  const servers: ServerConfig[] = [];
  for (const index of $range(0, origins.length - 1)) {
    rest();
    // A server with a host name is a source, and has none.
    const is_named = config.servers[index].resolve === true;
    const { is_copy, source, node } = is_named ? NO_ORIGIN : origins[index];
    const line = is_named ? undefined : line_at?.(config.servers[index].server);
    // Most servers have no source, and need not be parsed.
    const has_mark = line !== undefined && source_in(line) !== "";
    const is_sourced = has_mark && has_source(parse_line(line), config);
    const is_elsewhere = !is_sourced && node !== undefined && nodes.has(node.name);
    // The addresses of a host name are looked up again.
    const is_gone = line === undefined && (source === "resolve" || (source === "discovery" && is_following));
    if (node !== undefined) nodes.add(node.name);
    if (!(is_copy && is_sourced) && !is_elsewhere && !is_gone) {
      const server = config.servers[index];
      const is_as_read = server.source === source && server.node === node;
      servers.push(is_as_read ? server : { ...server, source, node });
    }
  }
  return servers;
}
