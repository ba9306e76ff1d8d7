import { parse_address } from "../address";
import { one_of, read_block, type Read, type ReadersOf } from "../fields";
import { invalid_value, missing_argument } from "../problem";
import { list_of } from "../texts";
import { parse_time } from "../time";
import { time_from, whole_from } from "../values";
import type { Kind } from "./kind";

/** The addresses of a name are an upstream's servers. */
export interface DnsConfig {
  name: string;
  type: "A" | "AAAA" | "SRV";
  /** Where the servers listen; SRV records say it themselves. */
  port?: number;
  /** Each `ip:port`; when one fails, the next is asked. */
  resolvers: string[];
  /** An answer is asked for anew when its TTL is over, within these bounds. */
  min_ttl: string;
  max_ttl: string;
}

const LONGEST_NAME = 253;
const MOST_RESOLVERS = 8;
const DNS_PORT = 53;
const DEFAULTS = { type: "A", min_ttl: "1s", max_ttl: "60s" };

function read_name(this: void, path: string, value: unknown): Read<string> {
  if (
    typeof value !== "string" ||
    value.length > LONGEST_NAME ||
    string.find(value, "^[%w_.-]+$")[0] === undefined
  )
    return $multi(
      undefined,
      invalid_value(path, `not a name of letters, digits, . - and _ of at most ${LONGEST_NAME} bytes`),
    );
  return $multi(value, undefined);
}

function read_resolver(this: void, path: string, value: unknown): Read<string> {
  const [address, problem] = parse_address(value);
  if (address === undefined || address.port === 0 || typeof value !== "string")
    return $multi(undefined, invalid_value(path, problem?.text ?? "not an IP address"));
  const has_port = address.server === value;
  return $multi(has_port ? value : `${address.host}:${DNS_PORT}`, undefined);
}

const READERS = {
  name: read_name,
  type: one_of(["A", "AAAA", "SRV"]),
  port: whole_from(1, 65535),
  resolvers: list_of(read_resolver, MOST_RESOLVERS),
  min_ttl: time_from("100ms", "1h"),
  max_ttl: time_from("100ms", "1d"),
} satisfies ReadersOf<DnsConfig>;

function read_dns(this: void, path: string, value: unknown): Read {
  const [dns, problem] = read_block(path, value, READERS, DEFAULTS);
  if (dns === undefined) return $multi(undefined, problem);
  for (const name of ["name", "resolvers"]) {
    if (dns[name] === undefined) return $multi(undefined, missing_argument(`${path}.${name}`));
  }
  if (dns.type === "SRV" && dns.port !== undefined)
    return $multi(undefined, invalid_value(`${path}.port`, "SRV records say it"));
  if (dns.type !== "SRV" && dns.port === undefined)
    return $multi(undefined, missing_argument(`${path}.port`));
  if ((parse_time(dns.min_ttl as string) ?? 0) > (parse_time(dns.max_ttl as string) ?? 0))
    return $multi(undefined, invalid_value(`${path}.min_ttl`, 'more than "max_ttl"'));
  return $multi(dns, undefined);
}

export const dns: Kind = {
  read: read_dns,
  fields: ["name", "type", "port", "resolvers", "min_ttl", "max_ttl"],
  secrets: [],
};
