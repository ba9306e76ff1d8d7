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
/** The first bytes of an IPv4-mapped address. */
const MAPPING = `${string.rep("\0", 10)}${string.char(255, 255)}`;
const IPV6_LOOPBACK = `${string.rep("\0", 15)}${string.char(1)}`;
const binary = ffi.new("unsigned char[16]");

/**
 * Parses an IP address without brackets. Pure.
 *
 * @returns its bytes: four for IPv4, 16 for IPv6 including IPv4-mapped addresses (`::ffff:10.0.0.1`);
 * undefined: the text is not an IP address
 */
export function ip_bytes(text: string): string | undefined {
  // C reads only to the first zero byte.
  if (string.find(text, "\0", 1, true)[0] !== undefined) return undefined;
  if (C.sluice_inet_pton(AF_INET, text, binary) === 1) return ffi.string(binary, IPV4_BYTES);
  return C.sluice_inet_pton(AF_INET6, text, binary) === 1 ? ffi.string(binary, IPV6_BYTES) : undefined;
}

/**
 * Returns the IPv4 address of an IPv4-mapped IPv6 address (`::ffff:10.0.0.1`), and any other address
 * unchanged. A socket for both families reports IPv4 clients in this form. Pure.
 */
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

/**
 * Returns the longest run of zero groups, the first of equal ones, and its length. A single group is not a
 * run: the length is 1 then.
 */
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

/**
 * Returns whether nginx writes the last four bytes of an address as IPv4, which depends on the zeros at its
 * beginning.
 */
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
 * Formats an IP address exactly as nginx does in `$upstream_addr` (`ngx_inet6_ntop`), which for IPv6 is the
 * form of RFC 5952: equal addresses have equal texts. `inet_ntop` differs between C libraries. Pure.
 *
 * @param bytes four or 16
 */
export function ip_text(bytes: string): string {
  return bytes.length === IPV4_BYTES ? ipv4_text(bytes, 1) : ipv6_text(bytes);
}
