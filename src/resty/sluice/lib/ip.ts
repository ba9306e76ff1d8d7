import * as ffi from "ffi";

/** IP addresses: their bytes and their canonical text. */

interface Libc {
  sluice_inet_pton: (this: void, family: number, text: string, binary: ffi.CData) => number;
}

ffi.cdef(`
  int sluice_inet_pton(int family, const char *text, void *binary) __asm__("inet_pton");
`);
const C = ffi.C as Libc;
const AF_INET = 2;
const AF_INET6 = 10;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const GROUPS = 8;
/** The groups before an IPv4 address at the end of an IPv6 address. */
const GROUPS_BEFORE_IPV4 = 6;
/** The first bytes of an IPv4-mapped IPv6 address. */
export const MAPPING = `${string.rep("\0", 10)}${string.char(255, 255)}`;
const IPV6_LOOPBACK = `${string.rep("\0", 15)}${string.char(1)}`;
const binary = ffi.new("unsigned char[16]");

/** Returns the four or 16 bytes of an IP address without brackets; undefined: it is not one. Pure. */
export function ip_bytes(text: string): string | undefined {
  // C reads only to the first zero byte.
  if (string.find(text, "\0", 1, true)[0] !== undefined) return undefined;
  if (C.sluice_inet_pton(AF_INET, text, binary) === 1) return ffi.string(binary, IPV4_BYTES);
  return C.sluice_inet_pton(AF_INET6, text, binary) === 1 ? ffi.string(binary, IPV6_BYTES) : undefined;
}

const DOT = 46;
const COLON = 58;
const ZERO = 48;
const NINE = 57;
const LARGEST_PORT = 65535;

/**
 * Returns whether a text is an IPv4 address with a port, in canonical form: `127.0.0.1:80`. Much faster than
 * `ip_bytes`. Pure.
 */
export function is_ipv4_with_port(text: string): boolean {
  let dots = 0;
  let value = 0;
  let digits = 0;
  let has_port = false;
  for (const position of $range(1, text.length)) {
    const byte = string.byte(text, position);
    if (byte >= ZERO && byte <= NINE) {
      if (digits > 0 && value === 0) return false;
      value = value * 10 + byte - ZERO;
      digits += 1;
      if (value > (has_port ? LARGEST_PORT : 255)) return false;
    } else {
      if (digits === 0 || has_port || byte !== (dots < 3 ? DOT : COLON)) return false;
      if (byte === DOT) dots += 1;
      else has_port = true;
      value = 0;
      digits = 0;
    }
  }
  return has_port && value > 0;
}

/** Converts an IPv4-mapped IPv6 address, which a dual-stack socket shows for IPv4 clients, to IPv4. Pure. */
export function unmapped_ip(bytes: string): string {
  const is_mapped = bytes.length === IPV6_BYTES && string.sub(bytes, 1, MAPPING.length) === MAPPING;
  return is_mapped ? string.sub(bytes, MAPPING.length + 1) : bytes;
}

/** Returns whether an address is a loopback address: in 127.0.0.0/8, also mapped to IPv6, or `::1`. Pure. */
export function is_loopback_ip(bytes: string): boolean {
  const address = unmapped_ip(bytes);
  return address === IPV6_LOOPBACK || (address.length === IPV4_BYTES && string.byte(address) === 127);
}

/** Formats the four bytes from a position as an IPv4 address. */
function ipv4_text(bytes: string, position: number): string {
  return string.format("%d.%d.%d.%d", ...string.byte(bytes, position, position + 3));
}

/** Returns one of the eight 16-bit groups of an IPv6 address; the first is number 0. */
function group_of(bytes: string, number: number): number {
  const [high, low] = string.byte(bytes, number * 2 + 1, number * 2 + 2);
  return high * 256 + low;
}

/** Returns the first of the longest runs of zero groups, and its length. 1: a single group is no run. */
function longest_run(bytes: string): LuaMultiReturn<[start: number, length: number]> {
  let start = GROUPS;
  let longest = 1;
  let length = 0;
  for (const number of $range(0, GROUPS - 1)) {
    length = group_of(bytes, number) === 0 ? length + 1 : 0;
    if (length > longest) {
      longest = length;
      start = number - length + 1;
    }
  }
  return $multi(start, longest);
}

/** Returns whether nginx writes the last four bytes as IPv4, which depends on the zeros before. */
function ends_with_ipv4(bytes: string, zeros: number): boolean {
  if (zeros === GROUPS_BEFORE_IPV4 - 1) return group_of(bytes, zeros) === 0xffff;
  if (zeros === GROUPS_BEFORE_IPV4 + 1) {
    const [high, low] = string.byte(bytes, IPV6_BYTES - 1, IPV6_BYTES);
    return high !== 0 && low !== 1;
  }
  return zeros === GROUPS_BEFORE_IPV4;
}

function ipv6_text(bytes: string): string {
  const [start, length] = longest_run(bytes);
  const has_ipv4 = start === 0 && ends_with_ipv4(bytes, length);
  const end = has_ipv4 ? GROUPS_BEFORE_IPV4 : GROUPS;
  let text = "";
  let number = 0;
  while (number < end) {
    if (number === start) {
      text += "::";
      number += length;
    } else {
      const is_first = number === 0 || number === start + length;
      text += string.format(is_first ? "%x" : ":%x", group_of(bytes, number));
      number += 1;
    }
  }
  if (!has_ipv4) return text;
  return `${text}${string.sub(text, -1) === ":" ? "" : ":"}${ipv4_text(bytes, IPV6_BYTES - 3)}`;
}

/**
 * Formats an IP address of four or 16 bytes as nginx does in `$upstream_addr`: RFC 5952 for IPv6. Equal
 * addresses have equal texts. `inet_ntop` differs between C libraries. Pure.
 */
export function ip_text(bytes: string): string {
  return bytes.length === IPV4_BYTES ? ipv4_text(bytes, 1) : ipv6_text(bytes);
}
