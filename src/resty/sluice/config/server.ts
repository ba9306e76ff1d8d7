import { is_table } from "../lib/json";
import { parse_address } from "./address";
import { read_fields, read_flag, type Read, type Reader, type Readers } from "./fields";
import { format_problem, invalid_value, missing_argument, type Problem } from "./problem";
import { parse_time } from "./time";

/** A server of an upstream as it is configured; every other parameter of nginx has its default. */
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
  /** Both do nothing yet: their defaults, as they were spelled. */
  fail_timeout: string;
  slow_start: string;
  /** Its name for `sticky.route`; "" is none. */
  route: string;
}

const LARGEST_WEIGHT = 2147483647;
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

function read_weight(this: void, name: string, value: unknown): Read {
  const weight = whole_number(value);
  if (weight === undefined || weight < 1 || weight > LARGEST_WEIGHT) {
    return bad(name, "UpstreamBadWeight", `not a whole number from 1 to ${LARGEST_WEIGHT}`);
  }
  return $multi(weight, undefined);
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

/** A parameter of nginx that does nothing here yet: any value but its default is refused with its own code. */
function only_number(only: number, code: string): Reader {
  return (name, value) => {
    if (whole_number(value) === only) return $multi(undefined, undefined);
    return bad(name, code, `this version supports only ${only}`);
  };
}

function only_time(only: string, code: string): Reader {
  const milliseconds = parse_time(only);
  return (name, value) => {
    const text = typeof value === "number" ? tostring(value) : value;
    if (typeof text === "string" && parse_time(text) === milliseconds) {
      return $multi(string.find(text, "^%d+$")[0] === undefined ? text : `${text}s`, undefined);
    }
    return bad(name, code, `this version supports only "${only}"`);
  };
}

const READERS: Readers = {
  server: read_address,
  weight: read_weight,
  backup: read_flag,
  down: read_flag,
  drain: read_flag,
  max_conns: only_number(0, "UpstreamBadMaxConns"),
  max_fails: only_number(1, "UpstreamBadMaxFails"),
  fail_timeout: only_time("10s", "UpstreamBadFailTimeout"),
  slow_start: only_time("0s", "UpstreamBadSlowStart"),
  route: read_route,
  service: (name) => bad(name, "UpstreamBadService", "this version does not support it"),
};

/** The parameters that do nothing yet, with the defaults that the API shows for them. */
export const FIXED_PARAMETERS = {
  max_conns: 0,
  max_fails: 1,
};

export const SERVER_DEFAULTS: ServerConfig = {
  server: "",
  weight: 1,
  backup: false,
  down: false,
  drain: false,
  fail_timeout: "10s",
  slow_start: "0s",
  route: "",
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
  return $multi(
    {
      server: (given.server as string | undefined) ?? from.server,
      weight: (given.weight as number | undefined) ?? from.weight,
      backup: (given.backup as boolean | undefined) ?? from.backup,
      down: (given.down as boolean | undefined) ?? from.down,
      drain: (given.drain as boolean | undefined) ?? drain_before,
      fail_timeout: (given.fail_timeout as string | undefined) ?? from.fail_timeout,
      slow_start: (given.slow_start as string | undefined) ?? from.slow_start,
      route: (given.route as string | undefined) ?? from.route,
    },
    undefined,
  );
}
