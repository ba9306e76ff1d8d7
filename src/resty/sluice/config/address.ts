import * as ffi from "ffi";

import { format_problem, type Problem } from "./problem";

/** Where a server listens. */
export interface Address {
  /** As the API shows it: as it was given, with `:80` when it had no port. */
  readonly server: string;
  /** As nginx's balancer wants it: `127.0.0.1`, `[::1]` or `unix:/path`. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
}

interface Libc {
  sluice_inet_pton: (this: void, family: number, text: string, binary: ffi.CData) => number;
  sluice_inet_ntop: (
    this: void,
    family: number,
    binary: ffi.CData,
    text: ffi.CData,
    bytes: number,
  ) => ffi.CData;
}

ffi.cdef(`
  int sluice_inet_pton(int family, const char *text, void *binary) __asm__("inet_pton");
  const char *sluice_inet_ntop(int family, const void *binary, char *text, uint32_t bytes) __asm__("inet_ntop");
`);
const C = ffi.C as Libc;
const AF_INET = 2;
const AF_INET6 = 10;
const binary = ffi.new("unsigned char[16]");
const LONGEST_IPV6 = 46;
const ipv6_text = ffi.new("char[?]", LONGEST_IPV6);

/** The room for a path in `struct sockaddr_un`. */
const LONGEST_UNIX_PATH = 107;
const DEFAULT_PORT = 80;

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
  return $multi({ server: text, host: text, port: 0 }, undefined);
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
  const address = { server: port_text === "" ? `${text}:${DEFAULT_PORT}` : text, host: host, port };

  const [ipv6] = string.match(address.host, "^%[(.*)%]$");
  if (ipv6 !== undefined) {
    if (C.sluice_inet_pton(AF_INET6, ipv6, binary) !== 1) return bad(text, "not an IPv6 address");
    return $multi(address, undefined);
  }
  if (C.sluice_inet_pton(AF_INET, address.host, binary) === 1) return $multi(address, undefined);
  if (string.find(address.host, "^[%d%.]+$")[0] !== undefined) return bad(text, "not an IPv4 address");
  if (string.find(address.host, "^[%w%-%._]+$")[0] === undefined) return bad(text, "not an address");
  return $multi(undefined, {
    status: 400,
    code: "UpstreamConfNoResolver",
    text: `invalid "server" value "${string.sub(text, 1, 80)}": host names are not supported, give an IP address`,
  });
}

/** The usual spelling of an IPv6 address, with its longest row of zeros left out. Any phase. Returns what is none as it is. */
export function usual_ipv6(text: string): string {
  if (C.sluice_inet_pton(AF_INET6, text, binary) !== 1) return text;
  return ffi.string(C.sluice_inet_ntop(AF_INET6, binary, ipv6_text, LONGEST_IPV6));
}

/** An IP address as bytes: four of IPv4, 16 of IPv6. Undefined: it is none. Any phase. */
export function binary_address(text: string): string | undefined {
  if (C.sluice_inet_pton(AF_INET, text, binary) === 1) return ffi.string(binary, 4);
  return C.sluice_inet_pton(AF_INET6, text, binary) === 1 ? ffi.string(binary, 16) : undefined;
}
