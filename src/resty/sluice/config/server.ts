import { is_table } from "../lib/json";
import { unknown_key } from "../lib/tables";
import { ADAPTIVE } from "./adaptive_limit";
import { parse_address } from "./address";
import {
  block,
  copy_of,
  optional,
  read_change,
  read_given,
  required,
  with_default,
  type ConfigOf,
} from "./block";
import type { NodeConfig } from "./node";
import { check_host_name, complete_name, is_host_name, read_service } from "./host_name";
import { format_problem, invalid_value, unknown_parameter, type Problem } from "./problem";
import { refuse, type Read, type Reader } from "./reader";
import { parse_time } from "./time";
import { read_flag, whole_from, type Time } from "./values";

const LARGEST = 2147483647;
const LONGEST_ROUTE = 32;
const LONGEST_ZONE = 64;

function coded<T>(code: string, read: Reader<T>): Reader<T> {
  return (name, value) => {
    const [result, problem] = read(name, value);
    return $multi(result, problem === undefined ? undefined : { ...problem, code });
  };
}

/** Makes the reader of a whole number; the dashboard sends numbers as strings of digits. */
function count_from(smallest: number, code: string): Reader<number> {
  const read = whole_from(smallest, LARGEST);
  return coded(code, (name, value) => {
    const is_text = typeof value === "string" && string.find(value, "^%d+$")[0] !== undefined;
    return read(name, is_text ? tonumber(value) : value);
  });
}

const read_limit = whole_from(0, LARGEST);

/** Reads a limit of requests; as other numbers, it may be a string of digits. */
function read_max_conns(this: void, name: string, value: unknown): Read<number | typeof ADAPTIVE> {
  if (value === ADAPTIVE) return $multi(ADAPTIVE, undefined);
  const is_text = typeof value === "string" && string.find(value, "^%d+$")[0] !== undefined;
  const [limit] = read_limit(name, is_text ? tonumber(value) : value);
  if (limit !== undefined) return $multi(limit, undefined);
  return refuse(name, `must be a whole number from 0 to ${LARGEST}, or "adaptive"`);
}

/** Makes the reader of a time; the dashboard sends seconds without a unit, which are shown with one. */
function time(code: string): Reader<Time> {
  return coded(code, (name, value) => {
    const text = typeof value === "number" ? tostring(value) : value;
    if (typeof text !== "string" || parse_time(text) === undefined)
      return refuse(name, 'must be a time, such as "10s"');
    return $multi(string.find(text, "^%d+$")[0] === undefined ? text : `${text}s`, undefined);
  });
}

/** Reads an address, or a host name with or without a port. */
function read_address(this: void, _name: string, value: unknown): Read<string> {
  const [address, problem] = parse_address(value);
  if (address !== undefined || !is_host_name(value)) return $multi(address?.server, problem);
  const unfit = check_host_name(value);
  return $multi(unfit === undefined ? value : undefined, unfit);
}

/** Makes the reader of a name, which may be empty. */
function name_to(longest: number): Reader<string> {
  return (name, value) => {
    if (typeof value !== "string") return refuse(name, "must be a string");
    if (value.length > longest) return refuse(name, `must not be longer than ${longest} bytes`);
    if (string.find(value, "%c")[0] !== undefined) return refuse(name, "must not contain control characters");
    return $multi(value, undefined);
  };
}

const read_route = name_to(LONGEST_ROUTE);

/** Reads the name of a zone. Any phase. */
export const read_zone = name_to(LONGEST_ZONE);

/** Returns the zone that metadata of others names; "": none that a server may have. Any phase. */
export function zone_in_metadata(value: unknown): string {
  const [zone] = read_zone("zone", value);
  return zone ?? "";
}

/** A server of an upstream, by nginx's names and with nginx's defaults. */
export const SERVER = block({
  /**
   * `"ip"`, `"ip:port"`, `"[ipv6]:port"`, `"unix:/path"`, `"name"` or `"name:port"`; the default port is 80.
   * A host name without `resolve` is looked up once, when it is written.
   */
  server: required(read_address),
  /** Follow the addresses of the host name in `server`: each of them becomes a server. */
  resolve: with_default(read_flag, false),
  /**
   * Service whose SRV records give the addresses, ports and weights, such as `"http"`; requires `resolve`,
   * and a `server` without a port.
   */
  service: optional(coded("UpstreamBadService", read_service)),
  /**
   * Share of the requests, relative to the other servers' weights: 1 to 2147483647, with `hash.consistent` to
   * 1000.
   */
  weight: with_default(count_from(1, "UpstreamBadWeight"), 1),
  /** Use the server only while no primary server is available. */
  backup: with_default(read_flag, false),
  /** Send no request to the server. */
  down: with_default(read_flag, false),
  /** Send only requests of clients that are bound to the server. */
  drain: with_default(read_flag, false),
  /**
   * Most requests in flight at a time, over all workers; 0: no limit; `"adaptive"`: the gateway finds the
   * limit from the times of the responses, within `adaptive_limit` of the upstream.
   */
  max_conns: with_default(coded("UpstreamBadMaxConns", read_max_conns), 0),
  /** Number of failures within `fail_timeout` that make the server unavailable for as long; 0: no limit. */
  max_fails: with_default(count_from(0, "UpstreamBadMaxFails"), 1),
  /** Time in which failures are counted, and in which the server is unavailable. */
  fail_timeout: with_default(time("UpstreamBadFailTimeout"), "10s"),
  /**
   * Time in which the server's weight rises after it was added or recovered; not with `hash`, `ip_hash` and
   * `random`.
   */
  slow_start: with_default(time("UpstreamBadSlowStart"), "0s"),
  /** Name of the server for `sticky.route`, at most 32 bytes. */
  route: with_default(coded("UpstreamBadRoute", read_route), ""),
  /** Zone in which the server runs, such as `"eu-1a"`, for the option `zones`; at most 64 bytes. */
  zone: with_default(coded("UpstreamBadZone", read_zone), ""),
  /**
   * Check the server, but send no request to it until `autoscale` brings it into service; not with `backup`.
   */
  standby: with_default(read_flag, false),
});

/** A server of an upstream as it is configured. */
export interface ServerConfig extends Omit<ConfigOf<typeof SERVER>, "standby" | "resolve"> {
  /**
   * When a drain job is to remove the server. "": there is no such job; "idle": when it has no request in
   * flight; else then too, but no later than this moment, in ISO 8601.
   */
  leave_by: string;
  /** What added the server. "": a client of the API, or `setup`. */
  source: "" | "discovery" | "register" | "resolve";
  /** The id of the server with the host name that has this address; absent: it does not come from a name. */
  parent?: number | undefined;
  /** The `server` of that server. */
  host?: string | undefined;
  /** The registration of a server that has registered itself. */
  node?: NodeConfig | undefined;
  /** Absent: false. A server has this member, and the next two, only if it is true. */
  resolve?: true | undefined;
  standby?: true | undefined;
  /** A standby server has been brought into service. */
  in_service?: true | undefined;
}

/** Parameters of a server that a change gives. */
export type ServerChange = Partial<ConfigOf<typeof SERVER>>;

function check_names(input: Record<string, unknown>): Problem | undefined {
  const unknown = unknown_key(input, SERVER.options);
  if (unknown !== undefined) return unknown_parameter(unknown);
  for (const name of SERVER.names) {
    if (is_table(input[name])) return invalid_value(name, "must not be an object or a list");
  }
  return undefined;
}

/** Makes a server of all its parameters. `base`: the server that a change was made to. */
function server_of(parameters: ConfigOf<typeof SERVER>, base?: ServerConfig): Read<ServerConfig> {
  const is_standby = parameters.standby;
  if (is_standby && parameters.backup) return refuse("standby", "a backup server cannot be a standby server");
  if (is_standby && parameters.resolve) return refuse("standby", 'cannot be combined with "resolve"');
  const misnamed = complete_name(parameters);
  if (misnamed !== undefined) return $multi(undefined, misnamed);
  const server = setmetatable(parameters, undefined) as unknown as ServerConfig;
  server.leave_by = server.drain ? (base?.leave_by ?? "") : "";
  server.source = base?.source ?? "";
  server.node = base?.node;
  server.parent = base?.parent;
  server.host = base?.host;
  server.resolve = parameters.resolve ? true : undefined;
  server.standby = is_standby ? true : undefined;
  server.in_service = is_standby ? base?.in_service : undefined;
  return $multi(server, undefined);
}

/** Reads the parameters of a new server, from JSON or from `setup`, with defaults. Any phase. */
export function read_named_server(input: unknown): Read<ServerConfig> {
  if (!is_table(input)) return $multi(undefined, format_problem("a server must be an object"));
  const wrong = check_names(input);
  if (wrong !== undefined) return $multi(undefined, wrong);
  const [parameters, problem] = read_change(SERVER, input);
  if (parameters === undefined) return $multi(undefined, problem);
  return server_of(parameters);
}

/** As `read_named_server`, for servers that must have an address instead of a host name. Any phase. */
export function read_server(input: unknown): Read<ServerConfig> {
  const [server, problem] = read_named_server(input);
  if (server === undefined) return $multi(undefined, problem);
  if (!is_host_name(server.server)) return $multi(server, undefined);
  return $multi(undefined, parse_address(server.server)[1]);
}

/** Reads the given parameters of a change. Returns them, or undefined and the problem. Any phase. */
export function read_server_change(input: Record<string, unknown>): Read<ServerChange> {
  const wrong = check_names(input);
  if (wrong !== undefined) return $multi(undefined, wrong);
  return read_given(SERVER, input);
}

/** Applies a change to a server. Returns the new server, or undefined and the problem. Any phase. */
export function changed_server(base: ServerConfig, change: ServerChange): Read<ServerConfig> {
  const parameters = { ...copy_of(SERVER, base), ...change };
  if (parameters.backup !== base.backup) return refuse("backup", "cannot be changed");
  parameters.resolve = parameters.resolve === true;
  // As in NGINX Plus, setting "down" to either value ends draining.
  if (change.down !== undefined && change.drain === undefined) parameters.drain = false;
  parameters.standby = parameters.standby === true;
  return server_of(parameters, base);
}

/** The values of a new server, except its address. */
export const SERVER_DEFAULTS: ServerConfig = {
  ...(read_server({ server: "127.0.0.1" })[0] as ServerConfig),
  server: "",
};

/** Completes new parameters of a server that is kept with its drain job and whether it is in service. */
export function carried_over(server: ServerConfig, before: ServerConfig): ServerConfig {
  const in_service = server.standby === true ? before.in_service : undefined;
  return { ...server, leave_by: server.drain ? before.leave_by : "", in_service };
}

/** Tells whether a server is a standby server that has not been brought into service. Any phase. */
export function is_standing_by({ standby, in_service }: ServerConfig): boolean {
  return standby === true && in_service !== true;
}

/** Tells whether the parameters of a server allow new requests. Any phase. */
export function may_serve(server: ServerConfig): boolean {
  return !server.down && !server.drain && !is_standing_by(server);
}

/** Tells whether a server gets no request at all, not even of clients that are bound to it. Any phase. */
export function serves_nobody(server: ServerConfig): boolean {
  return server.down || (is_standing_by(server) && !server.drain);
}

/** Returns the problem if a registry or the server itself added a server, and only they may change it. */
export function check_by_hand({ server, source, node, parent, host }: ServerConfig): Problem | undefined {
  if (source === "") return undefined;
  const named =
    parent === undefined
      ? "comes from the upstream's discovery"
      : string.format('comes from the server %d, the host name "%s",', parent, host ?? "");
  const origin = node === undefined ? named : `has registered itself as node "${node.name}"`;
  return {
    ...invalid_value("server", `"${server}" ${origin} and can be changed and removed only there`),
    code: "UpstreamServerImmutable",
  };
}
