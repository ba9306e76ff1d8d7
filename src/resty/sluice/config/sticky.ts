import { one_of, read_block, read_flag, read_list, type Read, type ReadersOf } from "./fields";
import { format_problem, invalid_value, missing_argument, type Problem } from "./problem";
import { parse_template } from "./template";
import { parse_time } from "./time";

/** A cookie of Sluice's own that names a client's server. */
export interface CookieConfig {
  name: string;
  /** "": the cookie has no such attribute. */
  path: string;
  /** May contain variables. Absent: the cookie goes back to this host only. */
  domain?: string;
  /** An nginx time, or `"max"`; absent: until the browser ends. */
  expires?: string;
  httponly: boolean;
  secure: boolean;
  samesite?: "strict" | "lax" | "none";
}

/** The first of the variables that is not empty names the server, by its `route`. */
export interface RouteConfig {
  /** Each a variable, such as `"$cookie_r"`. */
  variables: string[];
}

/** How a client comes back to its server: by exactly one of the two. */
export interface StickyConfig {
  cookie?: CookieConfig;
  route?: RouteConfig;
}

const LONGEST_NAME = 64;
const LONGEST_PATH = 1024;
const LONGEST_DOMAIN = 255;
const MOST_VARIABLES = 16;

function bad(path: string, reason: string): LuaMultiReturn<[undefined, Problem]> {
  return $multi(undefined, invalid_value(path, reason));
}

/** A token of RFC 6265. nginx's `$cookie_name` reads each of them, in upper or lower case (tried). */
function read_name(this: void, path: string, value: unknown): Read {
  if (typeof value !== "string" || value === "") return bad(path, "empty, or not a string");
  if (value.length > LONGEST_NAME) return bad(path, `longer than ${LONGEST_NAME} bytes`);
  if (string.find(value, "^[%w!#$%%&'*+%-.^_`|~]+$")[0] === undefined) {
    return bad(path, "only letters, digits and ! # $ % & ' * + - . ^ _ ` | ~ can be");
  }
  return $multi(value, undefined);
}

function read_path(this: void, path: string, value: unknown): Read {
  if (typeof value !== "string" || (value !== "" && string.sub(value, 1, 1) !== "/"))
    return bad(path, 'it does not begin with "/"');
  if (value.length > LONGEST_PATH) return bad(path, `longer than ${LONGEST_PATH} bytes`);
  if (string.find(value, "[%c;]")[0] !== undefined) return bad(path, 'control characters and ";" cannot be');
  return $multi(value, undefined);
}

/** Whether a text can be the domain of a cookie. Any phase. */
export function is_domain(text: string): boolean {
  return text.length <= LONGEST_DOMAIN && string.find(text, "^%.?%w[%w.-]*$")[0] !== undefined;
}

/** Whether the value of `domain` depends on the request. Any phase. */
export function has_variables(domain: string): boolean {
  return string.find(domain, "$", 1, true)[0] !== undefined;
}

/** Replaces each variable of a text by a letter. Returns undefined and the reason if one is malformed. */
function without_variables(domain: string): LuaMultiReturn<[string | undefined, string | undefined]> {
  if (!has_variables(domain)) return $multi(domain, undefined);
  const [parts, reason] = parse_template(domain);
  if (parts === undefined) return $multi(undefined, reason);
  let text = "";
  for (const { literal } of parts) text += literal ?? "v";
  return $multi(text, undefined);
}

function read_domain(this: void, path: string, value: unknown): Read {
  if (typeof value !== "string") return bad(path, "not a string");
  if (value.length > LONGEST_DOMAIN) return bad(path, `longer than ${LONGEST_DOMAIN} bytes`);
  const [text, reason] = without_variables(value);
  if (text === undefined) return bad(path, reason ?? "");
  if (!is_domain(text)) return bad(path, "not a domain of letters, digits, ., - and variables");
  return $multi(value, undefined);
}

function read_expires(this: void, path: string, value: unknown): Read {
  if (value === "max") return $multi(value, undefined);
  const milliseconds = typeof value === "string" ? parse_time(value) : undefined;
  if (milliseconds === undefined || milliseconds === 0)
    return bad(path, 'not a time above 0, such as "1h", nor "max"');
  return $multi(value, undefined);
}

const COOKIE_READERS = {
  name: read_name,
  path: read_path,
  domain: read_domain,
  expires: read_expires,
  httponly: read_flag,
  secure: read_flag,
  samesite: one_of(["strict", "lax", "none"]),
} satisfies ReadersOf<CookieConfig>;
const COOKIE_DEFAULTS = { path: "/", httponly: false, secure: false };

function read_cookie(this: void, path: string, value: unknown): Read {
  const [cookie, problem] = read_block(path, value, COOKIE_READERS, COOKIE_DEFAULTS);
  if (cookie === undefined) return $multi(undefined, problem);
  if (cookie.name === undefined) return $multi(undefined, missing_argument(`${path}.name`));
  if (cookie.samesite === "none" && cookie.secure !== true) {
    return bad(`${path}.samesite`, 'browsers drop a cookie with "none" unless "secure" is true');
  }
  return $multi(cookie, undefined);
}

function read_variables(this: void, path: string, value: unknown): Read {
  const [variables, problem] = read_list(path, value);
  if (variables === undefined) return $multi(undefined, problem);
  if (variables.length === 0) return bad(path, "empty");
  if (variables.length > MOST_VARIABLES) return bad(path, `more than ${MOST_VARIABLES}`);
  for (const index of $range(0, variables.length - 1)) {
    const [parts, reason] = parse_template(variables[index]);
    if (parts === undefined) return bad(`${path}[${index}]`, reason ?? "");
    if (parts.length > 1) return bad(`${path}[${index}]`, "more than a variable");
  }
  return $multi(variables, undefined);
}

const ROUTE_READERS = { variables: read_variables } satisfies ReadersOf<RouteConfig>;

function read_route(this: void, path: string, value: unknown): Read {
  const [route, problem] = read_block(path, value, ROUTE_READERS, {});
  if (route !== undefined && route.variables === undefined)
    return $multi(undefined, missing_argument(`${path}.variables`));
  return $multi(route, problem);
}

const READERS = { cookie: read_cookie, route: read_route } satisfies ReadersOf<StickyConfig>;

/** Reads how clients come back to their servers, with defaults. Any phase. */
export function read_sticky(this: void, path: string, value: unknown): Read {
  const [sticky, problem] = read_block(path, value, READERS, {});
  if (sticky === undefined) return $multi(undefined, problem);
  if (sticky.cookie === undefined && sticky.route === undefined) {
    return $multi(undefined, format_problem(`missing "${path}.cookie" or "${path}.route" argument`));
  }
  if (sticky.cookie !== undefined && sticky.route !== undefined) {
    return bad(path, '"cookie" and "route" exclude each other');
  }
  return $multi(sticky, undefined);
}
