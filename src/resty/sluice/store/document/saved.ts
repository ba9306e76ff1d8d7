import { read_change as read_members } from "../../config/block";
import { read_node, type NodeConfig } from "../../config/node";
import { invalid_value, missing_value, unknown_parameter } from "../../config/problem";
import { refuse, type Read } from "../../config/reader";
import { read_server, type ServerConfig } from "../../config/server";
import { read_settings, SETTINGS, type UpstreamSettings } from "../../config/settings";
import { check_name } from "../../config/name";
import { list_of, read_list } from "../../config/values";
import { parse_iso8601 } from "../../lib/iso8601";
import { is_table } from "../../lib/json";
import { set_of } from "../../lib/tables";
import { BOOKKEEPING, type Bookkeeping } from "./document";
import { is_whole, NOT_WHOLE, read_whole } from "./readers";

/** Reads what was stored on disk or by other gateways, as strictly as the API's input. Pure. */

/** A stored server. */
export interface SavedServer extends ServerConfig {
  id: number;
}

/** A server on disk: everything except its row. */
export interface DiskServer extends SavedServer {
  incarnation: number;
}

/** A change that was read from a line. */
export interface ReadChange {
  revision: number;
  upstream: string;
  /** Undefined: the upstream was deleted. */
  settings: UpstreamSettings | undefined;
  /** True: the upstream is a deleted seed. */
  is_seed: boolean;
  book: Bookkeeping;
  put: DiskServer[];
  remove: number[];
}

/** Reads the registration of a server. Returns undefined and no problem when it has none. */
function read_registration({ source, node }: Record<string, unknown>): Read<NodeConfig> {
  if (source !== "register") {
    return $multi(
      undefined,
      node === undefined ? undefined : invalid_value("node", "is allowed only for a registered server"),
    );
  }
  if (!is_table(node)) return refuse("node", "must be an object");
  const { name, ttl, meta } = node;
  if (typeof name !== "string") return refuse("node.name", "must be a string");
  const incarnation = node.incarnation === "" ? undefined : node.incarnation;
  return read_node(name, { ttl, meta, incarnation });
}

function read_leave_by(leave_by: unknown, drain: boolean): Read<string> {
  if (leave_by === undefined) return $multi("", undefined);
  const is_moment = typeof leave_by === "string" && parse_iso8601(leave_by) !== undefined;
  if (drain && (leave_by === "idle" || is_moment)) return $multi(leave_by, undefined);
  return refuse("leave_by", 'must be "idle" or a time in ISO 8601, and only while the server drains');
}

/** The members of a stored server that are not parameters. */
const OWN_FIELDS = ["id", "incarnation", "leave_by", "in_service", "source", "parent", "host", "node"];

/** Reads a stored server. The members that are not parameters are removed from `saved`. */
export function read_saved_server(saved: unknown): Read<SavedServer> {
  if (!is_table(saved)) return refuse("server", "must be an object");
  const { id, source, leave_by, in_service } = saved;
  if (!is_whole(id, 0)) return refuse("id", NOT_WHOLE);
  const [node, bad_node] = read_registration(saved);
  if (bad_node !== undefined) return $multi(undefined, bad_node);
  if (source !== undefined && source !== "discovery" && source !== "register" && source !== "resolve")
    return refuse("source", 'must be "discovery", "register" or "resolve"');
  const { parent, host } = saved;
  const has_parent = is_whole(parent, 0) && typeof host === "string";
  if (source === "resolve" ? !has_parent : (parent ?? host) !== undefined)
    return refuse("parent", 'must be given with "host" and the source "resolve", and only then');
  for (const name of OWN_FIELDS) saved[name] = undefined;
  const [parameters, problem] = read_server(saved);
  if (parameters === undefined) return $multi(undefined, problem);
  const [leaves, bad_leave_by] = read_leave_by(leave_by, parameters.drain);
  if (leaves === undefined) return $multi(undefined, bad_leave_by);
  const server = parameters as SavedServer;
  server.id = id;
  server.source = source ?? "";
  server.node = node;
  server.parent = parent as number | undefined;
  server.host = host as string | undefined;
  server.leave_by = leaves;
  // Other values count as absent.
  if (server.standby === true && in_service === true) server.in_service = true;
  return $multi(server, undefined);
}

function read_disk_server(saved: unknown, revision: number): Read<DiskServer> {
  const incarnation = is_table(saved) ? saved.incarnation : undefined;
  const [server, problem] = read_saved_server(saved);
  if (server === undefined) return $multi(undefined, problem);
  if (!is_whole(incarnation, 1) || incarnation > revision) return refuse("incarnation", NOT_WHOLE);
  const read = server as DiskServer;
  read.incarnation = incarnation;
  return $multi(read, undefined);
}

function read_put(value: unknown, revision: number): Read<DiskServer[]> {
  const [items, no_list] = read_list("put", value);
  if (items === undefined) return $multi(undefined, no_list);
  const servers: DiskServer[] = [];
  for (const item of items) {
    const [server, problem] = read_disk_server(item, revision);
    if (problem !== undefined)
      return $multi(undefined, { ...problem, text: `put[${servers.length}]: ${problem.text}` });
    servers.push(server as DiskServer);
  }
  return $multi(servers, undefined);
}

/** Reads a list of ids. */
export const read_ids = list_of(read_whole, math.huge, 0);

/** The members of a change, in the order in which they are stored. */
export const CHANGE_FIELDS = [
  ["revision", "upstream", "deleted", "seed"],
  SETTINGS.names,
  BOOKKEEPING.names,
  ["put", "remove"],
];
const FIELDS = set_of(...CHANGE_FIELDS);
FIELDS.add("crc");

/** Reads a change from a decoded line. */
export function read_change(value: Record<string, unknown>): Read<ReadChange> {
  const { revision, upstream, deleted, seed } = value;
  for (const [name] of pairs(value)) {
    if (!FIELDS.has(name)) return $multi(undefined, unknown_parameter(name));
  }
  if (!is_whole(revision, 1)) return refuse("revision", NOT_WHOLE);
  const bad_name = check_name(upstream);
  if (bad_name !== undefined) return $multi(undefined, bad_name);
  if (seed !== undefined && (seed !== true || deleted !== true))
    return refuse("seed", "must be true, and is allowed only with a deletion");
  const change = { revision, upstream: upstream as string, book: { next_id: 0 }, put: [], remove: [] };
  if (deleted === true) return $multi({ ...change, settings: undefined, is_seed: seed === true }, undefined);
  if (deleted !== undefined) return refuse("deleted", "must be true");
  if (value.method === undefined) return $multi(undefined, missing_value("method"));
  const [settings, unsettled] = read_settings(value);
  if (settings === undefined) return $multi(undefined, unsettled);
  const [book, bad_book] = read_members(BOOKKEEPING, value);
  if (book === undefined) return $multi(undefined, bad_book);
  const [put, bad_put] = read_put(value.put, revision);
  if (put === undefined) return $multi(undefined, bad_put);
  const [remove, bad_remove] = read_ids("remove", value.remove);
  if (remove === undefined) return $multi(undefined, bad_remove);
  return $multi({ ...change, settings, is_seed: false, book, put, remove }, undefined);
}
