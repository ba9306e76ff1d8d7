import { read_node, type NodeConfig } from "../../config/node";
import { invalid_value, missing_value, unknown_parameter, type Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { read_server, type ServerConfig } from "../../config/server";
import { read_settings, SETTINGS_FIELDS, type UpstreamSettings } from "../../config/settings";
import { check_name } from "../../config/upstream";
import { read_list } from "../../config/values";
import { parse_iso8601 } from "../../lib/iso8601";
import { as_object, is_table } from "../../lib/json";
import { BOOKKEEPING_FIELDS, type Bookkeeping, type Call, type Drained, type Scaling } from "./document";
import { is_secret } from "./secret";

/**
 * Reads what was stored on disk or by other gateways. Parameters go through the readers of the API's input,
 * and the other members are checked just as strictly. Pure.
 */

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

const LARGEST_WHOLE = 2 ** 53;
/** An upper bound on `scaling.wait`, in seconds; far longer than the call of a webhook takes. */
const LONGEST_WAIT = 3600;

/** Returns whether a value is a whole number from `smallest` up, and exact. */
export function is_whole(value: unknown, smallest: number): value is number {
  if (typeof value !== "number") return false;
  return value === math.floor(value) && value >= smallest && value <= LARGEST_WHOLE;
}

function not_whole(name: string): Problem {
  return invalid_value(name, "must be a whole number in its range");
}

/** Reads the registration of a server. Returns undefined and no problem when it has none. */
function read_registration({ source, node }: Record<string, unknown>): Read<NodeConfig> {
  if (source !== "register") {
    return $multi(
      undefined,
      node === undefined ? undefined : invalid_value("node", "is allowed only for a registered server"),
    );
  }
  if (!is_table(node)) return $multi(undefined, invalid_value("node", "must be an object"));
  const { name, ttl, meta } = node;
  if (typeof name !== "string") return $multi(undefined, invalid_value("node.name", "must be a string"));
  const incarnation = node.incarnation === "" ? undefined : node.incarnation;
  return read_node(name, { ttl, meta, incarnation });
}

/** The members of a stored server that are not parameters. */
interface OwnMembers {
  source: unknown;
  leave_by: unknown;
  in_service: unknown;
  node: NodeConfig | undefined;
}

/** Sets the members that are not parameters. Returns the problem, if there is one. */
function set_own_members(
  server: ServerConfig,
  { source, leave_by, in_service, node }: OwnMembers,
): Problem | undefined {
  if (source === "discovery" || source === "register") server.source = source;
  else if (source !== undefined) return invalid_value("source", 'must be "discovery" or "register"');
  server.node = node;
  if (leave_by !== undefined) {
    const is_moment = typeof leave_by === "string" && parse_iso8601(leave_by) !== undefined;
    if (!server.drain || !(leave_by === "idle" || is_moment))
      return invalid_value(
        "leave_by",
        'must be "idle" or a time in ISO 8601, and only while the server drains',
      );
    server.leave_by = leave_by;
  }
  // Other values count as absent.
  if (server.standby === true && in_service === true) server.in_service = true;
  return undefined;
}

/** The members that are not parameters. */
const OWN_FIELDS = ["id", "incarnation", "leave_by", "in_service", "source", "node"];

/**
 * Reads a stored server.
 *
 * @param saved a decoded JSON value, from which the members that are not parameters are removed
 * @returns the server, or undefined and the problem
 */
export function read_saved_server(saved: unknown): Read<SavedServer> {
  if (!is_table(saved)) return $multi(undefined, invalid_value("server", "must be an object"));
  const { id, source, leave_by, in_service } = saved;
  if (!is_whole(id, 0)) return $multi(undefined, not_whole("id"));
  const [node, bad_node] = read_registration(saved);
  if (bad_node !== undefined) return $multi(undefined, bad_node);
  for (const name of OWN_FIELDS) saved[name] = undefined;
  const [server, problem] = read_server(saved);
  if (server === undefined) return $multi(undefined, problem);
  const bad = set_own_members(server, { source, leave_by, in_service, node });
  if (bad !== undefined) return $multi(undefined, bad);
  const read = server as SavedServer;
  read.id = id;
  return $multi(read, undefined);
}

function read_disk_server(saved: unknown, revision: number): Read<DiskServer> {
  const incarnation = is_table(saved) ? saved.incarnation : undefined;
  const [server, problem] = read_saved_server(saved);
  if (server === undefined) return $multi(undefined, problem);
  if (!is_whole(incarnation, 1) || incarnation > revision) return $multi(undefined, not_whole("incarnation"));
  const read = server as DiskServer;
  read.incarnation = incarnation;
  return $multi(read, undefined);
}

/** Reads the last decision to scale. */
export function read_scaling(value: unknown): Read<Scaling> {
  if (!is_table(value)) return $multi(undefined, invalid_value("scaling", "must be an object"));
  const { id, time, wait } = value;
  if (typeof id !== "string" || typeof time !== "number" || !(math.abs(time) <= LARGEST_WHOLE))
    return $multi(undefined, invalid_value("scaling", "must have an id and a time"));
  if (wait === undefined) return $multi({ id, time }, undefined);
  if (typeof wait !== "number" || !(wait >= 0 && wait <= LONGEST_WAIT))
    return $multi(undefined, invalid_value("scaling.wait", "must be a number of seconds in its range"));
  return $multi({ id, time, wait }, undefined);
}

function read_call(value: unknown): Read<Call> {
  if (!is_table(value)) return $multi(undefined, invalid_value("call", "must be an object"));
  const { id, body, is_heard } = value;
  if (typeof id !== "string" || typeof body !== "string")
    return $multi(undefined, invalid_value("call", "must have an id and a body"));
  if (is_heard === undefined) return $multi({ id, body }, undefined);
  if (is_heard !== true) return $multi(undefined, invalid_value("call.is_heard", "must be true"));
  return $multi({ id, body, is_heard }, undefined);
}

/** Reads the servers that drain jobs have removed. */
export function read_drained(value: unknown): Read<Drained[]> {
  const [items, no_list] = read_list("drained", value);
  if (items === undefined) return $multi(undefined, no_list);
  const drained: Drained[] = [];
  for (const item of items) {
    const { id, server, time } = as_object(item);
    const is_moment = typeof time === "string" && parse_iso8601(time) !== undefined;
    if (!is_whole(id, 0) || typeof server !== "string" || !is_moment)
      return $multi(undefined, invalid_value("drained", "must have an id, a server and a time"));
    drained.push({ id, server, time });
  }
  return $multi(drained, undefined);
}

function read_bookkeeping(value: Record<string, unknown>): Read<Bookkeeping> {
  const { next_id, next_local_id, cluster_revision, session_secret } = value;
  if (!is_whole(next_id, 0)) return $multi(undefined, not_whole("next_id"));
  const book: Bookkeeping = { next_id };
  if (next_local_id !== undefined) {
    if (!is_whole(next_local_id, 0)) return $multi(undefined, not_whole("next_local_id"));
    book.next_local_id = next_local_id;
  }
  if (cluster_revision !== undefined) {
    // Version 0.1.0 stored only the revision.
    const has_form =
      typeof cluster_revision === "string" && string.find(cluster_revision, "^[%x.]+$")[0] !== undefined;
    if (!has_form)
      return $multi(undefined, invalid_value("cluster_revision", "must be hexadecimal digits and dots"));
    book.cluster_revision = cluster_revision;
  }
  if (session_secret !== undefined) {
    if (!is_secret(session_secret))
      return $multi(undefined, invalid_value("session_secret", "must be 32 hexadecimal digits"));
    book.session_secret = session_secret as string;
  }
  if (value.scaling !== undefined) {
    const [scaling, problem] = read_scaling(value.scaling);
    if (scaling === undefined) return $multi(undefined, problem);
    book.scaling = scaling;
  }
  if (value.call !== undefined) {
    const [call, problem] = read_call(value.call);
    if (call === undefined) return $multi(undefined, problem);
    book.call = call;
  }
  if (value.drained !== undefined) {
    const [drained, problem] = read_drained(value.drained);
    if (drained === undefined) return $multi(undefined, problem);
    book.drained = drained;
  }
  return $multi(book, undefined);
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

function read_remove(value: unknown): Read<number[]> {
  const [items, no_list] = read_list("remove", value);
  if (items === undefined) return $multi(undefined, no_list);
  for (const item of items) {
    if (!is_whole(item, 0)) return $multi(undefined, not_whole("remove"));
  }
  return $multi(items as number[], undefined);
}

/** The members of a change except the checksum. */
const FIELDS = new LuaSet<string>();
for (const names of [
  ["revision", "upstream", "deleted", "seed", "put", "remove", "crc"],
  SETTINGS_FIELDS,
  BOOKKEEPING_FIELDS,
]) {
  for (const name of names) FIELDS.add(name);
}

/**
 * Reads a change.
 *
 * @param value a decoded JSON object
 * @returns the change, or undefined and the problem
 */
export function read_change(value: Record<string, unknown>): Read<ReadChange> {
  const { revision, upstream, deleted, seed } = value;
  for (const [name] of pairs(value)) {
    if (!FIELDS.has(name)) return $multi(undefined, unknown_parameter(name));
  }
  if (!is_whole(revision, 1)) return $multi(undefined, not_whole("revision"));
  const bad_name = check_name(upstream);
  if (bad_name !== undefined) return $multi(undefined, bad_name);
  if (seed !== undefined && (seed !== true || deleted !== true))
    return $multi(undefined, invalid_value("seed", "must be true, and is allowed only with a deletion"));
  const change = { revision, upstream: upstream as string, book: { next_id: 0 }, put: [], remove: [] };
  if (deleted === true) return $multi({ ...change, settings: undefined, is_seed: seed === true }, undefined);
  if (deleted !== undefined) return $multi(undefined, invalid_value("deleted", "must be true"));
  if (value.method === undefined) return $multi(undefined, missing_value("method"));
  const [settings, unsettled] = read_settings(value);
  if (settings === undefined) return $multi(undefined, unsettled);
  const [book, bad_book] = read_bookkeeping(value);
  if (book === undefined) return $multi(undefined, bad_book);
  const [put, bad_put] = read_put(value.put, revision);
  if (put === undefined) return $multi(undefined, bad_put);
  const [remove, bad_remove] = read_remove(value.remove);
  if (remove === undefined) return $multi(undefined, bad_remove);
  return $multi({ ...change, settings, is_seed: false, book, put, remove }, undefined);
}
