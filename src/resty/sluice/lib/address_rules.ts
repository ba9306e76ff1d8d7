import { has_network, network_with, networks_of, parse_network, type Networks } from "./cidr";
import { ip_bytes, unmapped_ip } from "./ip";
import { has_port, parse_ports, type PortRange } from "./port_ranges";

/**
 * The rules of `guard` in `setup`: which addresses servers, health checks, registries, agents and webhooks
 * may have. `discovery/guard.ts` is another guard, which limits removals. Pure.
 *
 * The bytes of an address are compared, so that no spelling hides it. A search takes one step for each length
 * of prefixes and for each range of ports.
 */

/** What has the address: a server, or a registry or webhook, to which this gateway itself connects. */
export type Pointer = "server" | "service";

export interface AddressRules {
  /** Undefined: all addresses are allowed that are not denied. */
  allowed: Networks | undefined;
  denied: Networks;
  /** The link-local networks that `addresses` names. */
  allowed_link_local: Networks;
  /** Why no unix socket is allowed; undefined: all are. */
  unix_refusal: string | undefined;
  /** Undefined: all ports are allowed. */
  ports: PortRange[] | undefined;
  ports_text: string;
}

/** The entry of `addresses` and `deny` for unix sockets. */
export const UNIX = "unix:";

const LINK_LOCAL = networks_of(["169.254.0.0/16", "fe80::/10"]);
/** What is before an IPv4 address in IPv6: the old form `::10.0.0.1`, and NAT64 (RFC 6052). */
const EMBEDDING = [string.rep("\0", 12), `${string.char(0, 0x64, 0xff, 0x9b)}${string.rep("\0", 8)}`];

function link_local_of(texts: readonly string[]): Networks {
  return networks_of(
    texts.filter((text) => {
      const [network] = parse_network(text);
      return network !== undefined && has_network(LINK_LOCAL, network);
    }),
  );
}

function unix_refusal(addresses: readonly string[] | undefined, deny: readonly string[]): string | undefined {
  if (deny.includes(UNIX)) return `guard.deny has "${UNIX}"`;
  return addresses?.includes(UNIX) === false ? `guard.addresses does not have "${UNIX}"` : undefined;
}

/** Makes rules of valid options: `addresses` and `deny` have networks and `unix:`; undefined: not given. */
export function new_address_rules(
  addresses: readonly string[] | undefined,
  deny: readonly string[],
  ports: string | undefined,
): AddressRules {
  return {
    allowed: addresses === undefined ? undefined : networks_of(addresses),
    denied: networks_of(deny),
    allowed_link_local: link_local_of(addresses ?? []),
    unix_refusal: unix_refusal(addresses, deny),
    ports: ports === undefined ? undefined : parse_ports(ports)[0],
    ports_text: ports ?? "",
  };
}

/** The rules without a `guard`. */
export const DEFAULT_RULES = new_address_rules(undefined, [], undefined);

/** Returns whether the rules may refuse the address of a server. */
export function limits_servers({ allowed, denied, unix_refusal: refusal, ports }: AddressRules): boolean {
  return (allowed ?? refusal ?? ports) !== undefined || denied.groups.length > 0;
}

/** Returns the IPv4 address that an IPv6 address leads to in some networks; undefined: none. */
function embedded_ipv4(bytes: string): string | undefined {
  for (const start of EMBEDDING) {
    const embedded = string.sub(bytes, start.length + 1);
    // In ::1 there is none.
    if (string.sub(bytes, 1, start.length) === start && string.byte(embedded, 1) > 0) return embedded;
  }
  return undefined;
}

/** Tells why an IP address must not be used: completes "… is not allowed: ". Undefined: it may be. */
export function refusal_of_ip(rules: AddressRules, bytes: string, pointer: Pointer): string | undefined {
  const { allowed, denied, allowed_link_local } = rules;
  const address = unmapped_ip(bytes);
  const embedded = embedded_ipv4(address);
  const denial = network_with(denied, address) ?? network_with(denied, embedded ?? "");
  if (denial !== undefined) return `guard.deny has ${denial}`;
  if (pointer === "service" && network_with(allowed_link_local, address) === undefined) {
    const link_local = network_with(LINK_LOCAL, address) ?? network_with(LINK_LOCAL, embedded ?? "");
    if (link_local !== undefined)
      return `registries and webhooks must not be at link-local addresses (${link_local}) unless guard.addresses names them`;
  }
  if (allowed === undefined || network_with(allowed, address) !== undefined) return undefined;
  return "guard.addresses does not have it";
}

/** Tells why a port must not be used; undefined: it may be. */
export function refusal_of_port({ ports, ports_text }: AddressRules, port: number): string | undefined {
  return ports === undefined || has_port(ports, port) ? undefined : `guard.ports is ${ports_text}`;
}

/** Returns the bytes of a host that is an IP address, IPv6 in brackets; undefined: it is another text. */
export function host_bytes(host: string): string | undefined {
  return ip_bytes(string.match(host, "^%[(.*)%]$")[0] ?? host);
}

/** Returns whether a host is an unusual spelling of an IPv4 address, such as `127.1` or `0x7f000001`. */
function is_numeric(host: string): boolean {
  // The last label, and in it the digits and the 0x, backwards.
  const [last] = string.match(string.reverse(host), "^%.?([^.]*)");
  return string.find(last, "^%d+$")[0] !== undefined || string.find(last, "^%x*[xX]0$")[0] !== undefined;
}

/**
 * Tells why nothing must point to a host and port; undefined: it may. A name is allowed here: its addresses
 * are checked when a connection is made. `host`: an IP address, IPv6 in brackets; `unix:/path`; or a name.
 */
export function refusal_of(
  rules: AddressRules,
  host: string,
  port: number,
  pointer: Pointer,
): string | undefined {
  if (string.sub(host, 1, UNIX.length) === UNIX) return rules.unix_refusal;
  const bytes = host_bytes(host);
  if (bytes === undefined && is_numeric(host))
    return "its host is neither a name nor an IP address of four decimal numbers";
  const refused = bytes === undefined ? undefined : refusal_of_ip(rules, bytes, pointer);
  return refused ?? refusal_of_port(rules, port);
}
