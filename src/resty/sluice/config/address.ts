import { ip_bytes, ip_text, is_ipv4_with_port } from "../lib/ip";
import { invalid_value } from "./problem";
import { refuse, type Read } from "./reader";

/** The address of a server. */
export interface Address {
  /** The address as the API shows it: as it was given, with `:80` if it had no port. */
  readonly server: string;
  /** The host as nginx's balancer takes it, in canonical form: `127.0.0.1`, `[::1]` or `unix:/path`. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** Host and port as nginx writes them: equal for all spellings of an address. */
  readonly name: string;
}

/** Longest path that `struct sockaddr_un` holds. */
const LONGEST_UNIX_PATH = 107;
const DEFAULT_PORT = 80;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const OPENING_BRACKET = 91;

/** Refuses an address. `reason` completes a sentence that begins with the address. */
function bad(text: string, reason: string, code = "UpstreamBadAddress"): Read<never> {
  return $multi(undefined, { ...invalid_value("server", `"${string.sub(text, 1, 80)}" ${reason}`), code });
}

function parse_unix(text: string): Read<Address> {
  const path = string.sub(text, 6);
  if (string.sub(path, 1, 1) !== "/") return bad(text, "must have an absolute path");
  if (path.length > LONGEST_UNIX_PATH)
    return bad(text, `must not have a path of more than ${LONGEST_UNIX_PATH} bytes`);
  return $multi({ server: text, host: text, port: 0, name: text }, undefined);
}

/** Refuses a host that is not an IP address. `ipv6`: the text between its brackets. */
function refuse_host(text: string, host: string, ipv6: string | undefined): Read<never> {
  if (ipv6 !== undefined && string.find(ipv6, "%", 1, true)[0] !== undefined)
    return bad(text, "has an IPv6 zone, which is not supported because nginx cannot connect to it");
  if (ipv6 !== undefined) return bad(text, "is not an IPv6 address");
  if (string.find(host, "^[%d%.]+$")[0] !== undefined) return bad(text, "is not an IPv4 address");
  if (string.find(host, "^[%w%-%._]+$")[0] === undefined) return bad(text, "is not an address");
  return bad(
    text,
    "is a host name, which is not supported here: give an IP address",
    "UpstreamConfNoResolver",
  );
}

const LARGEST_PORT = 65535;

/** Reads an address of the most usual form, in its only spelling; undefined: it has another form. */
function usual_address(text: string): Address | undefined {
  if (!is_ipv4_with_port(text)) return undefined;
  const [host, digits] = string.match(text, "^([^:]*):(.*)$");
  return { server: text, host, port: tonumber(digits) as number, name: text };
}

/** Reads `ip`, `ip:port`, `[ipv6]`, `[ipv6]:port` or `unix:/path`, with the API's codes. Any phase. */
export function parse_address(text: unknown): Read<Address> {
  if (typeof text !== "string") return refuse("server", "must be a string");
  if (text === "") return bad(text, "is empty");
  const usual = usual_address(text);
  if (usual !== undefined) return $multi(usual, undefined);
  if (string.find(text, "[^!-~]")[0] !== undefined)
    return bad(text, "must contain only printable ASCII characters");
  if (string.sub(text, 1, 5) === "unix:") return parse_unix(text);

  let [host, port_text] = string.match(text, "^(%[[^%]]*%])(.*)$");
  if (host === undefined) [host, port_text] = string.match(text, "^([^:]*)(.*)$");
  let port = DEFAULT_PORT;
  if (port_text !== "") {
    const [digits] = string.match(port_text, "^:(%d+)$");
    if (digits === undefined || digits.length > 5) return bad(text, "must have a port from 1 to 65535");
    port = tonumber(digits) as number;
    if (port < 1 || port > LARGEST_PORT) return bad(text, "must have a port from 1 to 65535");
  }
  const server = port_text === "" ? `${text}:${DEFAULT_PORT}` : text;
  const [ipv6] = string.match(host, "^%[(.*)%]$");
  const bytes = ip_bytes(ipv6 ?? host);
  if (bytes !== undefined && bytes.length === (ipv6 === undefined ? IPV4_BYTES : IPV6_BYTES)) {
    const canonical = ipv6 === undefined ? ip_text(bytes) : `[${ip_text(bytes)}]`;
    return $multi({ server, host: canonical, port, name: `${canonical}:${port}` }, undefined);
  }
  return refuse_host(text, host, ipv6);
}

/** Returns the text for an address that a list has twice. `first`: its first spelling. Any phase. */
export function duplicate_server(server: string, first: string): string {
  return `duplicate server "${server}"${first === server ? "" : `, which is also written as "${first}"`}`;
}

/** Returns the canonical form of a valid address. It costs nearly nothing for IPv4. Any phase. */
export function canonical_address(server: string): string {
  const is_ipv6 = string.byte(server, 1) === OPENING_BRACKET;
  // IPv4 has another spelling only with zeros before its port.
  if (!is_ipv6 && string.find(server, ":0", 1, true)[0] === undefined) return server;
  return parse_address(server)[0]?.name ?? server;
}

/** Returns what identifies a server in its upstream: its address, or its host name and service. Any phase. */
export function place_of({ server, service }: { server: string; service?: string | undefined }): string {
  return service === undefined ? canonical_address(server) : `${server} ${service}`;
}
