import { parse_address } from "./address";
import { block, optional, required, with_default, type ConfigOf } from "./block";
import { invalid_value } from "./problem";
import { refuse, type Read } from "./reader";
import { list_of, read_flag, time_from } from "./values";

/** The DNS servers that look up host names, with the parameters of nginx's `resolver`. */

const MOST_RESOLVERS = 8;
const DNS_PORT = 53;

/** Reads the address of a DNS server, and adds the default port. */
export function read_resolver(this: void, path: string, value: unknown): Read<string> {
  const [address] = parse_address(value);
  if (address === undefined || address.port === 0)
    return refuse(path, 'must be an IP address with or without a port, such as "10.0.0.2:53"');
  const has_port = address.server === value;
  return $multi(has_port ? address.server : `${address.host}:${DNS_PORT}`, undefined);
}

/** Reads a list of DNS servers. */
export const read_resolvers = list_of(read_resolver, MOST_RESOLVERS);

/** The DNS servers for host names, and how they are asked. */
export const RESOLVER = block(
  {
    /** DNS servers, each `ip` or `ip:port`; if one fails, the next is asked. */
    addresses: required(read_resolvers),
    /** Time after which a name is looked up again. Default: the TTL of its records, from 1s to 5m. */
    valid: optional(time_from("100ms", "1d")),
    /** Look up IPv4 addresses. */
    ipv4: with_default(read_flag, true),
    /** Look up IPv6 addresses. */
    ipv6: with_default(read_flag, true),
    /** Upper bound on the time that one question takes. */
    timeout: with_default(time_from("100ms", "60s"), "5s"),
  },
  (path, { ipv4, ipv6 }) => {
    if (ipv4 || ipv6) return undefined;
    return invalid_value(path, 'must not have both "ipv4" and "ipv6" false');
  },
);
export type ResolverConfig = ConfigOf<typeof RESOLVER>;
