import { host_bytes } from "../lib/address_rules";
import { is_table } from "../lib/json";
import { set_of } from "../lib/tables";
import { parse_url } from "../lib/url";
import { invalid_value, type Problem } from "./problem";
import { refuse, type Read } from "./reader";

/** The parts of the request of a health check that a user can choose. */

const LONGEST_URI = 1024;
const LONGEST_HOST = 255;
const LONGEST_BODY = 4096;
const MOST_HEADERS = 16;
const LONGEST_NAME = 64;
const LONGEST_VALUE = 4096;
/** Upper bound on all names and values: servers refuse larger headers, and HTTP/2 sends them in one frame. */
const LARGEST_HEADERS = 8192;

/** Headers that describe the connection or the length of the body, which the request itself decides. */
const OWN_HEADERS = set_of([
  "connection",
  "content-length",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Reads a path, perhaps with a query. Any phase. */
export function read_uri(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.sub(value, 1, 1) !== "/")
    return refuse(path, 'must begin with "/"');
  if (value.length > LONGEST_URI) return refuse(path, `must not be longer than ${LONGEST_URI} bytes`);
  if (string.find(value, "[^!-~]")[0] !== undefined)
    return refuse(path, "must contain only printable ASCII characters without spaces");
  return $multi(value, undefined);
}

/** Reads a name or an IP address, with or without a port. Any phase. */
export function read_host(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value === "") return refuse(path, "must be a non-empty string");
  if (value.length > LONGEST_HOST) return refuse(path, `must not be longer than ${LONGEST_HOST} bytes`);
  const has_path = string.find(value, "/", 1, true)[0] !== undefined;
  if (has_path || parse_url(`http://${value}`)[0] === undefined)
    return refuse(path, "must be a name or an IP address, with or without a port");
  return $multi(value, undefined);
}

/** Returns the name that TLS sends as SNI and verifies; undefined: the host is an IP address. Any phase. */
export function server_name_of(host: string): string | undefined {
  const [url] = parse_url(`https://${host}`);
  return url === undefined || host_bytes(url.host) !== undefined ? undefined : url.host;
}

/** Reads the body of a POST. Any phase. */
export function read_request_body(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value === "" || value.length > LONGEST_BODY)
    return refuse(path, `must be a string of 1 to ${LONGEST_BODY} bytes`);
  return $multi(value, undefined);
}

function read_header_value(path: string, value: unknown): Read<string> {
  if (typeof value !== "string") return refuse(path, "must be a string");
  if (value.length > LONGEST_VALUE) return refuse(path, `must not be longer than ${LONGEST_VALUE} bytes`);
  if (string.find(value, "%c")[0] !== undefined) return refuse(path, "must not contain control characters");
  if (string.find(value, "^ ")[0] !== undefined || string.find(value, " $")[0] !== undefined)
    return refuse(path, "must not begin or end with a space");
  return $multi(value, undefined);
}

function is_header_name(name: unknown): name is string {
  if (typeof name !== "string" || name === "" || name.length > LONGEST_NAME) return false;
  return string.find(name, "[^%w!#$%%&'*+.^_`|~-]")[0] === undefined;
}

/** Tells why a check must not send a header of this name; undefined: it may. */
function refusal_of_name(name: string): string | undefined {
  const known = string.lower(name);
  if (known === "host") return 'cannot be set here: use "host" of the check';
  return OWN_HEADERS.has(known) ? "cannot be set, because the check decides it" : undefined;
}

/** Reads the headers of a request by their names. Any phase. */
export function read_request_headers(this: void, path: string, value: unknown): Read<Record<string, string>> {
  if (!is_table(value) || (value as unknown as unknown[])[0] !== undefined)
    return refuse(path, "must be an object");
  const headers: Record<string, string> = {};
  const known = new LuaSet<string>();
  let count = 0;
  let size = 0;
  for (const [name, its_value] of pairs(value)) {
    if (!is_header_name(name))
      return refuse(path, `must have names of headers, of at most ${LONGEST_NAME} bytes`);
    const refusal = refusal_of_name(name);
    if (refusal !== undefined) return refuse(`${path}.${name}`, refusal);
    if (known.has(string.lower(name))) return refuse(`${path}.${name}`, "must not be given twice");
    const [text, problem] = read_header_value(`${path}.${name}`, its_value);
    if (text === undefined) return $multi(undefined, problem);
    known.add(string.lower(name));
    headers[name] = text;
    count += 1;
    size += name.length + text.length;
  }
  if (count > MOST_HEADERS) return refuse(path, `must not have more than ${MOST_HEADERS} headers`);
  if (size > LARGEST_HEADERS) return refuse(path, `must not have more than ${LARGEST_HEADERS} bytes`);
  return $multi(headers, undefined);
}

/** The options that choose the request, and those that read the answer. */
interface RequestOptions {
  type: string;
  headers?: Record<string, string>;
  method?: string;
  body?: string;
  host?: string;
  verify?: boolean;
  match?: { body?: string };
  report?: string;
}

/** Checks that headers are none of those that gRPC defines. Returns the problem. */
function check_grpc_headers(path: string, headers: Record<string, string>): Problem | undefined {
  for (const [name] of pairs(headers)) {
    const known = string.lower(name);
    if (known === "content-type" || string.sub(known, 1, 5) === "grpc-")
      return invalid_value(`${path}.headers.${name}`, "cannot be set, because gRPC defines it");
  }
  return undefined;
}

/** Checks the options of a request against each other. Returns the problem. Any phase. */
export function check_request(path: string, config: RequestOptions): Problem | undefined {
  const { method, body, host, verify, match, report } = config;
  if (body !== undefined && method !== "POST")
    return invalid_value(`${path}.body`, 'requires that "method" is "POST"');
  if (method === "HEAD" && match?.body !== undefined)
    return invalid_value(`${path}.match.body`, 'cannot be combined with the method "HEAD"');
  if (method === "HEAD" && report !== undefined)
    return invalid_value(`${path}.report`, 'cannot be combined with the method "HEAD"');
  if (verify === true && host !== undefined && server_name_of(host) === undefined)
    return invalid_value(`${path}.host`, 'must be a name if "verify" is true: nginx verifies no addresses');
  return config.type === "grpc" ? check_grpc_headers(path, config.headers ?? {}) : undefined;
}
