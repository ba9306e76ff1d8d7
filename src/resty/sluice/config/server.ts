import { is_table } from "../lib/json";
import { parse_address } from "./address";
import { read_fields, read_flag, type Read, type Reader, type Readers, type ReadersOf } from "./fields";
import type { NodeConfig } from "./node";
import { format_problem, invalid_value, missing_argument, type Problem } from "./problem";
import { parse_time } from "./time";

/** A server of an upstream as it is configured, by nginx's names. Times are nginx times, as they were spelled. */
export interface ServerConfig {
  /** `ip:port`, `[ipv6]:port` or `unix:/path`. */
  server: string;
  /** Its share of the requests, relative to the other servers'. */
  weight: number;
  /** Used only while no other server is available. */
  backup: boolean;
  /** Gets no request. */
  down: boolean;
  /** Gets no new request; those under way are finished. */
  drain: boolean;
  /** How many requests may be under way at it; 0: any number. */
  max_conns: number;
  /** So many failures within `fail_timeout` keep it out for as long; 0: none does. */
  max_fails: number;
  fail_timeout: string;
  /** How long it takes to get all of its share after it has come, or come back. */
  slow_start: string;
  /** Its name for `sticky.route`; "" is none. */
  route: string;
  /**
   * While it drains: when it is to be removed, which is set by a drain job, not as a parameter. "": not at all; "idle": when
   * it has no request under way; else then too, but at the latest at this moment, in ISO 8601.
   */
  leave_by: string;
  /** What brought it, which is not a parameter: "": somebody by hand; or its upstream's registry; or it registered itself. */
  source: "" | "discovery" | "register";
  /** Of one that registered itself. */
  node?: NodeConfig | undefined;
  /** Known and checked, but without requests until `autoscale` brings it in. Absent: false, as of the next. */
  standby?: true | undefined;
  /** Of a standby server, and not a parameter: it has been brought in. */
  in_service?: true | undefined;
}

/** Those of its members that are parameters. */
export type ServerParameters = Omit<ServerConfig, "leave_by" | "source" | "node" | "in_service">;

const LARGEST = 2147483647;
const LONGEST_ROUTE = 32;

function bad(name: string, code: string, reason: string): LuaMultiReturn<[undefined, Problem]> {
  return $multi(undefined, { status: 400, code, text: `invalid "${name}" value: ${reason}` });
}

/** The dashboard sends numbers as strings of digits. */
function whole_number(value: unknown): number | undefined {
  if (typeof value === "string" && string.find(value, "^%d+$")[0] !== undefined) return tonumber(value);
  if (typeof value === "number" && value === math.floor(value)) return value;
  return undefined;
}

function number_from(smallest: number, code: string): Reader<number> {
  return (name, value) => {
    const number = whole_number(value);
    if (number === undefined || number < smallest || number > LARGEST)
      return bad(name, code, `not a whole number from ${smallest} to ${LARGEST}`);
    return $multi(number, undefined);
  };
}

/** It also sends times as seconds without unit; they are shown with one. */
function time(code: string): Reader<string> {
  return (name, value) => {
    const text = typeof value === "number" ? tostring(value) : value;
    if (typeof text !== "string" || parse_time(text) === undefined)
      return bad(name, code, 'not a time, such as "10s"');
    return $multi(string.find(text, "^%d+$")[0] === undefined ? text : `${text}s`, undefined);
  };
}

function read_address(this: void, _name: string, value: unknown): Read {
  const [address, problem] = parse_address(value);
  return $multi(address?.server, problem);
}

function read_route(this: void, name: string, value: unknown): Read {
  if (typeof value !== "string") return bad(name, "UpstreamBadRoute", "not a string");
  if (value.length > LONGEST_ROUTE)
    return bad(name, "UpstreamBadRoute", `longer than ${LONGEST_ROUTE} bytes`);
  if (string.find(value, "%c")[0] !== undefined)
    return bad(name, "UpstreamBadRoute", "control characters cannot be");
  return $multi(value, undefined);
}

const READERS: Readers = {
  server: read_address,
  weight: number_from(1, "UpstreamBadWeight"),
  backup: read_flag,
  down: read_flag,
  drain: read_flag,
  max_conns: number_from(0, "UpstreamBadMaxConns"),
  max_fails: number_from(0, "UpstreamBadMaxFails"),
  fail_timeout: time("UpstreamBadFailTimeout"),
  slow_start: time("UpstreamBadSlowStart"),
  route: read_route,
  standby: read_flag,
  service: (name) => bad(name, "UpstreamBadService", "this version does not support it"),
} satisfies ReadersOf<ServerParameters, "service">;

/** nginx's defaults. */
export const SERVER_DEFAULTS: ServerConfig = {
  server: "",
  weight: 1,
  backup: false,
  down: false,
  drain: false,
  max_conns: 0,
  max_fails: 1,
  fail_timeout: "10s",
  slow_start: "0s",
  route: "",
  leave_by: "",
  source: "",
};

/**
 * Reads a server's parameters, with nginx's defaults, or on top of `base` for a change. Any phase.
 *
 * @param input an object, from JSON or from `setup`
 * @returns the server, or undefined and the problem
 */
export function read_server(
  input: unknown,
  base?: ServerConfig,
): LuaMultiReturn<[ServerConfig | undefined, Problem | undefined]> {
  if (!is_table(input)) return $multi(undefined, format_problem("a server is not an object"));
  if (base === undefined && input.server === undefined) {
    return $multi(undefined, missing_argument("server"));
  }
  for (const [name, value] of pairs(input)) {
    if (READERS[name] !== undefined && is_table(value)) {
      return $multi(undefined, invalid_value(name, "nested objects and lists cannot be"));
    }
  }
  const [given, problem] = read_fields(input, "", READERS);
  if (given === undefined) return $multi(undefined, problem);
  const from = base ?? SERVER_DEFAULTS;
  if (base !== undefined && given.backup !== undefined && given.backup !== base.backup) {
    return $multi(undefined, invalid_value("backup", "it cannot be changed"));
  }
  // As NGINX Plus: to set "down", either way, ends draining.
  const drain_before = given.down === undefined ? from.drain : false;
  const drain = (given.drain as boolean | undefined) ?? drain_before;
  const standby = (given.standby as boolean | undefined) ?? from.standby;
  const backup = (given.backup as boolean | undefined) ?? from.backup;
  if (standby === true && backup) return $multi(undefined, invalid_value("standby", "a backup cannot be it"));
  return $multi(
    {
      server: (given.server as string | undefined) ?? from.server,
      weight: (given.weight as number | undefined) ?? from.weight,
      backup,
      down: (given.down as boolean | undefined) ?? from.down,
      drain,
      max_conns: (given.max_conns as number | undefined) ?? from.max_conns,
      max_fails: (given.max_fails as number | undefined) ?? from.max_fails,
      fail_timeout: (given.fail_timeout as string | undefined) ?? from.fail_timeout,
      slow_start: (given.slow_start as string | undefined) ?? from.slow_start,
      route: (given.route as string | undefined) ?? from.route,
      leave_by: drain ? from.leave_by : "",
      source: from.source,
      node: from.node,
      standby: standby === true ? true : undefined,
      in_service: standby === true ? from.in_service : undefined,
    },
    undefined,
  );
}

/** New parameters of a server that stays, with what is no parameter and goes on: its drain job, its being in service. */
export function carried_over(server: ServerConfig, before: ServerConfig): ServerConfig {
  const in_service = server.standby === true ? before.in_service : undefined;
  return { ...server, leave_by: server.drain ? before.leave_by : "", in_service };
}

/** Whether a server stands by. Any phase. */
export function is_standing_by({ standby, in_service }: ServerConfig): boolean {
  return standby === true && in_service !== true;
}

/** Whether a server may have new requests, as far as its parameters say. Any phase. */
export function may_serve(server: ServerConfig): boolean {
  return !server.down && !server.drain && !is_standing_by(server);
}

/** Whether a server gets not even the requests that are bound to it: one that stands by serves nobody, unless it drains. Any phase. */
export function serves_nobody(server: ServerConfig): boolean {
  return server.down || (is_standing_by(server) && !server.drain);
}

/** Checks that a server may be changed by hand. Returns the problem when it is what brought it that says what it is. */
export function check_by_hand({ server, source, node }: ServerConfig): Problem | undefined {
  if (source === "") return undefined;
  const who =
    node === undefined
      ? "comes from the upstream's discovery"
      : `has registered itself as node "${node.name}"`;
  return {
    status: 400,
    code: "UpstreamServerImmutable",
    text: `server "${server}" ${who}: it can be changed and removed only there`,
  };
}
