import { ip_bytes, unmapped_ip } from "../lib/ip";
import { parse_address } from "./address";
import { invalid_value, type Problem } from "./problem";

/**
 * Addresses that cannot be those of a server: a registry, or a server that registers itself, must not direct
 * requests to them. The bytes of the address tell its class, so that no spelling hides it.
 */

const IPV4_BYTES = 4;
/** The first bytes of an IPv4 address in an old form of IPv6, `::10.0.0.1`. */
const COMPATIBLE = string.rep("\0", 12);
const IPV6_LOOPBACK = `${string.rep("\0", 15)}${string.char(1)}`;

function class_of_ipv4(bytes: string): string | undefined {
  const [first, second] = string.byte(bytes, 1, 2);
  // All of 0.0.0.0/8: for Linux, 0.0.0.0 is this machine.
  if (first === 0) return "an unspecified";
  if (first === 169 && second === 254) return "a link-local";
  if (first >= 224 && first < 240) return "a multicast";
  return bytes === string.char(255, 255, 255, 255) ? "the broadcast" : undefined;
}

function class_of_ipv6(bytes: string): string | undefined {
  const [first, second] = string.byte(bytes, 1, 2);
  // fe80::/10
  if (first === 0xfe && second >= 0x80 && second < 0xc0) return "a link-local";
  return first === 0xff ? "a multicast" : undefined;
}

function class_of(bytes: string): string | undefined {
  const address = unmapped_ip(bytes);
  if (address.length === IPV4_BYTES) return class_of_ipv4(address);
  const is_compatible = string.sub(address, 1, COMPATIBLE.length) === COMPATIBLE && address !== IPV6_LOOPBACK;
  return is_compatible ? class_of_ipv4(string.sub(address, COMPATIBLE.length + 1)) : class_of_ipv6(address);
}

/** Checks that a valid address can be that of a server that was not added by hand. Any phase. */
export function check_server_address(server: string): Problem | undefined {
  const host = parse_address(server)[0]?.host ?? "";
  const bytes = ip_bytes(string.match(host, "^%[(.*)%]$")[0] ?? host);
  const name = bytes === undefined ? undefined : class_of(bytes);
  if (name === undefined) return undefined;
  const reason = `"${server}" is ${name} address, which cannot be that of a server`;
  return { ...invalid_value("server", reason), code: "UpstreamBadAddress" };
}
