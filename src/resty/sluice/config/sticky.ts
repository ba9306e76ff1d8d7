import type { Result } from "../lib/result";
import { block, optional, required, with_default, type ConfigOf } from "./block";
import { invalid_value } from "./problem";
import { refuse, type Read } from "./reader";
import { parse_template } from "./template";
import { parse_time } from "./time";
import { list_of, one_of, read_flag, type Time } from "./values";

const LONGEST_NAME = 64;
const LONGEST_PATH = 1024;
const LONGEST_DOMAIN = 255;
const MOST_VARIABLES = 16;

/** Reads a token of RFC 6265; nginx's `$cookie_name` reads each of them, in upper or lower case. */
function read_name(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value === "") return refuse(path, "must be a non-empty string");
  if (value.length > LONGEST_NAME) return refuse(path, `must not be longer than ${LONGEST_NAME} bytes`);
  if (string.find(value, "^[%w!#$%%&'*+%-.^_`|~]+$")[0] === undefined)
    return refuse(path, "must contain only letters, digits and ! # $ % & ' * + - . ^ _ ` | ~");
  return $multi(value, undefined);
}

function read_path(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || (value !== "" && string.sub(value, 1, 1) !== "/"))
    return refuse(path, 'must begin with "/"');
  if (value.length > LONGEST_PATH) return refuse(path, `must not be longer than ${LONGEST_PATH} bytes`);
  if (string.find(value, "[%c;]")[0] !== undefined)
    return refuse(path, 'must not contain control characters and ";"');
  return $multi(value, undefined);
}

/** Tells whether a text can be the domain of a cookie. Any phase. */
export function is_domain(text: string): boolean {
  return text.length <= LONGEST_DOMAIN && string.find(text, "^%.?%w[%w.-]*$")[0] !== undefined;
}

/** Tells whether the value of `domain` depends on the request. Any phase. */
export function has_variables(domain: string): boolean {
  return string.find(domain, "$", 1, true)[0] !== undefined;
}

/** Replaces each variable of a text by a letter. Returns undefined and the reason if one is malformed. */
function without_variables(domain: string): Result<string> {
  if (!has_variables(domain)) return $multi(domain, undefined);
  const [parts, reason] = parse_template(domain);
  if (parts === undefined) return $multi(undefined, reason);
  let text = "";
  for (const { literal } of parts) text += literal ?? "v";
  return $multi(text, undefined);
}

function read_domain(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string") return refuse(path, "must be a string");
  if (value.length > LONGEST_DOMAIN) return refuse(path, `must not be longer than ${LONGEST_DOMAIN} bytes`);
  const [text, reason] = without_variables(value);
  if (text === undefined) return refuse(path, reason ?? "");
  if (!is_domain(text)) return refuse(path, "must be a domain of letters, digits, ., - and variables");
  return $multi(value, undefined);
}

function read_expires(this: void, path: string, value: unknown): Read<Time> {
  const milliseconds = typeof value === "string" ? parse_time(value) : undefined;
  const is_time = milliseconds !== undefined && milliseconds > 0;
  if (value !== "max" && !is_time) return refuse(path, 'must be a time above 0, such as "1h", or "max"');
  return $multi(value as Time, undefined);
}

function read_variable(this: void, path: string, value: unknown): Read<string> {
  const [parts, reason] = parse_template(value);
  if (parts === undefined) return refuse(path, reason ?? "");
  if (parts.length > 1) return refuse(path, "must be a single variable");
  return $multi(value as string, undefined);
}

/** A cookie that names the client's server. Sluice sets it and reads it. */
export const STICKY_COOKIE = block(
  {
    name: required(read_name),
    /** The attribute `Path`; `""` omits it. */
    path: with_default(read_path, "/"),
    /** The attribute `Domain`; may contain variables, such as `"$host"`. Default: none. */
    domain: optional(read_domain),
    /** A time, or `"max"`. Default: none, the cookie ends with the browser's session. */
    expires: optional(read_expires),
    httponly: with_default(read_flag, false),
    secure: with_default(read_flag, false),
    /** The attribute `SameSite`; `"none"` requires `secure`. Default: none. */
    samesite: optional(one_of(["strict", "lax", "none"])),
  },
  (path, { samesite, secure }) =>
    samesite === "none" && !secure
      ? invalid_value(
          `${path}.samesite`,
          '"none" requires that "secure" is true, because browsers drop the cookie otherwise',
        )
      : undefined,
);
export type CookieConfig = ConfigOf<typeof STICKY_COOKIE>;

/** Variables of a request: the first one that is not empty names the server by its `route`. */
export const STICKY_ROUTE = block({
  /** Each is one variable, such as `"$cookie_route"`. */
  variables: required(list_of(read_variable, MOST_VARIABLES)),
});
export type RouteConfig = ConfigOf<typeof STICKY_ROUTE>;

/** How requests of a client reach the same server again: by exactly one of the two. */
export const STICKY = block(
  {
    cookie: optional(STICKY_COOKIE),
    route: optional(STICKY_ROUTE),
  },
  (path, { cookie, route }) => {
    if (cookie === undefined && route === undefined)
      return invalid_value(path, 'must have "cookie" or "route"');
    if (cookie !== undefined && route !== undefined)
      return invalid_value(path, 'must not have both "cookie" and "route"');
    return undefined;
  },
);
