import { ip_bytes, ip_text } from "../lib/ip";
import { format_problem, type Problem } from "./problem";

/** Where a server listens. */
export interface Address {
  /** As the API shows it: as it was given, with `:80` when it had no port. */
  readonly server: string;
  /** As nginx's balancer wants it, in canonical form: `127.0.0.1`, `[::1]` or `unix:/path`. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** Host and port as nginx writes them: equal for all spellings of one address. */
  readonly name: string;
}

/** The room for a path in `struct sockaddr_un`. */
const LONGEST_UNIX_PATH = 107;
const DEFAULT_PORT = 80;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const OPENING_BRACKET = 91;

function bad(text: string, reason: string): LuaMultiReturn<[undefined, Problem]> {
  const shown = string.sub(text, 1, 80);
  return $multi(undefined, {
    status: 400,
    code: "UpstreamBadAddress",
    text: `invalid "server" value "${shown}": ${reason}`,
  });
}

function parse_unix(text: string): LuaMultiReturn<[Address | undefined, Problem | undefined]> {
  const path = string.sub(text, 6);
  if (string.sub(path, 1, 1) !== "/") return bad(text, "a unix socket needs an absolute path");
  if (path.length > LONGEST_UNIX_PATH)
    return bad(text, `a path of at most ${LONGEST_UNIX_PATH} bytes is possible`);
  return $multi({ server: text, host: text, port: 0, name: text }, undefined);
}

/** The problem of a host that is no IP address. `ipv6`: what is between its brackets. */
function no_address(
  text: string,
  host: string,
  ipv6: string | undefined,
): LuaMultiReturn<[undefined, Problem]> {
  if (ipv6 !== undefined && string.find(ipv6, "%", 1, true)[0] !== undefined)
    return bad(text, "an IPv6 address with a zone is not supported, because nginx cannot connect to it");
  if (ipv6 !== undefined) return bad(text, "not an IPv6 address");
  if (string.find(host, "^[%d%.]+$")[0] !== undefined) return bad(text, "not an IPv4 address");
  if (string.find(host, "^[%w%-%._]+$")[0] === undefined) return bad(text, "not an address");
  return $multi(undefined, {
    status: 400,
    code: "UpstreamConfNoResolver",
    text: `invalid "server" value "${string.sub(text, 1, 80)}": host names are not supported, give an IP address`,
  });
}

/**
 * Reads a server's address: `ip`, `ip:port`, `[ipv6]`, `[ipv6]:port` or `unix:/path`. Any phase.
 *
 * @returns the address, or undefined and the problem (`UpstreamBadAddress`; for a host name
 * `UpstreamConfNoResolver`).
 */
export function parse_address(text: unknown): LuaMultiReturn<[Address | undefined, Problem | undefined]> {
  if (typeof text !== "string")
    return $multi(undefined, format_problem('invalid "server" value: not a string'));
  if (text === "") return bad(text, "empty");
  if (string.find(text, "[^!-~]")[0] !== undefined) return bad(text, "only printable ASCII can be");
  if (string.sub(text, 1, 5) === "unix:") return parse_unix(text);

  let [host, port_text] = string.match(text, "^(%[[^%]]*%])(.*)$");
  if (host === undefined) [host, port_text] = string.match(text, "^([^:]*)(.*)$");
  let port = DEFAULT_PORT;
  if (port_text !== "") {
    const [digits] = string.match(port_text, "^:(%d+)$");
    if (digits === undefined || digits.length > 5)
      return bad(text, "the port is not a number from 1 to 65535");
    port = tonumber(digits) as number;
    if (port < 1 || port > 65535) return bad(text, "the port is not a number from 1 to 65535");
  }
  const server = port_text === "" ? `${text}:${DEFAULT_PORT}` : text;
  const [ipv6] = string.match(host, "^%[(.*)%]$");
  const bytes = ip_bytes(ipv6 ?? host);
  if (bytes !== undefined && bytes.length === (ipv6 === undefined ? IPV4_BYTES : IPV6_BYTES)) {
    const canonical = ipv6 === undefined ? ip_text(bytes) : `[${ip_text(bytes)}]`;
    return $multi({ server, host: canonical, port, name: `${canonical}:${port}` }, undefined);
  }
  return no_address(text, host, ipv6);
}

/** Says that a list of servers has an address twice. `first`: as it was written the first time. Any phase. */
export function duplicate_server(server: string, first: string): string {
  return `duplicate server "${server}"${first === server ? "" : `, which is also written as "${first}"`}`;
}

/**
 * The canonical form of a server's address that `parse_address` has accepted before, to compare it with others. Any phase.
 * Nearly nothing for IPv4.
 */
export function canonical_address(server: string): string {
  const is_ipv6 = string.byte(server, 1) === OPENING_BRACKET;
  // IPv4 can only have zeros before its port.
  if (!is_ipv6 && string.find(server, ":0", 1, true)[0] === undefined) return server;
  return parse_address(server)[0]?.name ?? server;
}
