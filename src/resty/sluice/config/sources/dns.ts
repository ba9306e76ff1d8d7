import { block, optional, required, with_default, type ConfigOf } from "../block";
import { invalid_value, missing_value } from "../problem";
import { refuse, type Read } from "../reader";
import { read_resolvers } from "../resolver";
import { seconds_of } from "../time";
import { one_of, time_from, whole_from } from "../values";

const LONGEST_NAME = 253;

function read_name(this: void, path: string, value: unknown): Read<string> {
  if (
    typeof value !== "string" ||
    value.length > LONGEST_NAME ||
    string.find(value, "^[%w_.-]+$")[0] === undefined
  )
    return refuse(path, `must be a name of letters, digits, ., - and _ of at most ${LONGEST_NAME} bytes`);
  return $multi(value, undefined);
}

/** The addresses of a domain name become the upstream's servers. */
export const DNS = block(
  {
    name: required(read_name),
    /** Type of the DNS records. */
    type: with_default(one_of(["A", "AAAA", "SRV"]), "A"),
    /** Port of the servers; required with `A` and `AAAA`, while SRV records contain it. */
    port: optional(whole_from(1, 65535)),
    /**
     * DNS servers, each `ip` or `ip:port`; if one fails, the next is asked. Default: those of the `resolver`
     * of `setup`, else of `/etc/resolv.conf`.
     */
    resolvers: optional(read_resolvers),
    /** Shortest time between two queries, if the TTL of the answer is shorter. */
    min_ttl: with_default(time_from("100ms", "1h"), "1s"),
    /** Longest time between two queries, if the TTL of the answer is longer. */
    max_ttl: with_default(time_from("100ms", "1d"), "60s"),
  },
  (path, { type: record_type, port, min_ttl, max_ttl }) => {
    if (record_type === "SRV" && port !== undefined)
      return invalid_value(
        `${path}.port`,
        'cannot be combined with the type "SRV", whose records contain the port',
      );
    if (record_type !== "SRV" && port === undefined) return missing_value(`${path}.port`);
    if (seconds_of(min_ttl) > seconds_of(max_ttl))
      return invalid_value(`${path}.min_ttl`, 'must not be more than "max_ttl"');
    return undefined;
  },
);
export type DnsConfig = ConfigOf<typeof DNS>;
