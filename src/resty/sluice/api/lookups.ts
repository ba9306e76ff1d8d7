import { check_host_name, is_host_name, parts_of_name } from "../config/host_name";
import { invalid_value, type Problem } from "../config/problem";
import { RESOLVER, type ResolverConfig } from "../config/resolver";
import { at_server } from "../config/upstream";
import { options_or_default } from "../discovery/resolver";
import * as clock from "../lib/clock";
import { is_table } from "../lib/json";
import { rest } from "../lib/rest";
import { look_up_once } from "../net/dns/host";
import { read } from "../store/document/read";

/**
 * Host names without `resolve`. As nginx does at its start, they are looked up once, when they are written:
 * an upstream then has their addresses.
 */

/** Limit of the time that the lookups of one upstream take, in seconds. */
const LONGEST = 10;
/** Limit of the time that all lookups of one request take, in seconds: `changes` may have many upstreams. */
const LONGEST_OF_REQUEST = 60;
/** Limit of the addresses of one name. Each is added to the upstream by itself, while no other can write. */
const MOST_ADDRESSES = 100;
const DEFAULT_PORT = 80;

/** Returns the host name that a server is to be looked up by; undefined: none. */
function name_to_look_up(server: unknown): string | undefined {
  if (!is_table(server) || server.service !== undefined) return undefined;
  if (server.resolve !== undefined && server.resolve !== false) return undefined;
  const { server: name } = server;
  // A wrong name is refused when the server is read.
  return is_host_name(name) && check_host_name(name) === undefined ? name : undefined;
}

/** Returns the `resolver` that an upstream has, or will have according to its input. */
function resolver_of(upstream: string, given: unknown): ResolverConfig | undefined {
  if (is_table(given)) return RESOLVER.read("resolver", given)[0];
  return read(upstream)?.resolver;
}

/** Returns when the lookups for one more upstream have to end, by the monotonic clock. */
function end_of_lookups(): number {
  const now = clock.now();
  const end = (ngx.ctx.sluice_lookups_end as number | undefined) ?? now + LONGEST_OF_REQUEST;
  ngx.ctx.sluice_lookups_end = end;
  return math.min(end, now + LONGEST);
}

function too_many(name: string, count: number): Problem {
  const reason = `"${name}" has ${count} addresses. Without "resolve", at most ${MOST_ADDRESSES} are allowed`;
  return { ...invalid_value("server", reason), code: "UpstreamBadAddress" };
}

function not_found(name: string, cause: string | undefined): Problem {
  const problem = invalid_value("server", `could not look up "${name}": ${cause ?? ""}`);
  return { ...problem, code: "UpstreamBadAddress" };
}

/**
 * Replaces the host names without `resolve` in a list of servers by their addresses. Further addresses of a
 * name come at the end, so that the other servers keep their places. Phases that have cosockets.
 *
 * @param resolver the `resolver` of the input, if it has one
 * @returns the problem of a name that could not be looked up, or has too many addresses
 */
export function look_up_names(upstream: string, servers: unknown[], resolver: unknown): Problem | undefined {
  const end = end_of_lookups();
  const count = servers.length;
  for (const index of $range(0, count - 1)) {
    rest();
    const name = name_to_look_up(servers[index]);
    if (name !== undefined) {
      const [host, port] = parts_of_name(name);
      const options = options_or_default(resolver_of(upstream, resolver));
      const [hosts, cause] = look_up_once(options, host, () => clock.now() > end);
      if (hosts === undefined || hosts.length > MOST_ADDRESSES) {
        const problem = hosts === undefined ? not_found(name, cause) : too_many(name, hosts.length);
        return count === 1 && servers.length === 1 ? problem : at_server(index, problem);
      }
      const server = servers[index] as Record<string, unknown>;
      for (const address of hosts.slice(1))
        servers.push({ ...server, server: `${address}:${port ?? DEFAULT_PORT}` });
      server.server = `${hosts[0]}:${port ?? DEFAULT_PORT}`;
    }
  }
  return undefined;
}
