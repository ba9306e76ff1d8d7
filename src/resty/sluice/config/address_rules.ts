import {
  DEFAULT_RULES,
  limits_servers,
  new_address_rules,
  refusal_of,
  refusal_of_port,
  UNIX,
  type AddressRules,
} from "../lib/address_rules";
import { parse_network } from "../lib/cidr";
import { parse_ports } from "../lib/port_ranges";
import { parse_url } from "../lib/url";
import { parse_address } from "./address";
import { block, optional, type ConfigOf } from "./block";
import type { DiscoveryBlock } from "./discovery";
import { invalid_value, type Problem } from "./problem";
import { refuse, type Read } from "./reader";
import type { ServerConfig } from "./server";
import type { UpstreamSettings } from "./settings";
import type { ConsulConfig } from "./sources/consul";
import type { DockerConfig } from "./sources/docker";
import type { EtcdConfig } from "./sources/etcd";
import { list_of, read_list } from "./values";

/**
 * The option `guard` of `setup`, and the places of a configuration that it concerns. Not to be confused with
 * the guard of `discovery`, which limits removals.
 */

const MOST_NETWORKS = 1000;

function read_network(this: void, path: string, value: unknown): Read<string> {
  if (value === UNIX) return $multi(UNIX, undefined);
  if (typeof value !== "string") return refuse(path, "must be a string");
  const [network, reason] = parse_network(value);
  if (network === undefined) return refuse(path, `"${string.sub(value, 1, 80)}" ${reason ?? ""}`);
  return $multi(value, undefined);
}

/** Reads ports: a text, or a list of texts and ports. Returns one text. */
function read_ports(this: void, path: string, value: unknown): Read<string | (string | number)[]> {
  const [items, no_list] = read_list(path, typeof value === "string" ? [value] : value);
  if (items === undefined) return $multi(undefined, no_list);
  const parts: string[] = [];
  for (const item of items) {
    if (typeof item === "number") parts.push(string.format("%.14g", item));
    else if (typeof item === "string") parts.push(item);
    else return refuse(path, "must be a string, or a list of strings and numbers");
  }
  const text = table.concat(parts, ",");
  const [ranges, reason] = parse_ports(text);
  if (ranges === undefined) return refuse(path, reason ?? "");
  return $multi(text, undefined);
}

/** Where servers, health checks, registries, agents and webhooks may be, whoever names them. */
export const GUARD = block({
  /** Allowed networks in CIDR notation, IP addresses, and `"unix:"` for unix sockets. Default: all. */
  addresses: optional(list_of(read_network, MOST_NETWORKS)),
  /** Those that are refused, even if `addresses` has them. Default: none. */
  deny: optional(list_of(read_network, MOST_NETWORKS)),
  /** The allowed ports, such as `"80,443,1024-65535"`, also as a list. Default: all. */
  ports: optional(read_ports),
});
export type GuardConfig = ConfigOf<typeof GUARD>;

/** Makes the rules of a `guard`; undefined: `setup` has none. */
export function address_rules_of(guard: GuardConfig | undefined): AddressRules {
  if (guard === undefined) return DEFAULT_RULES;
  return new_address_rules(guard.addresses, guard.deny ?? [], guard.ports as string | undefined);
}

function not_allowed(path: string, place: string, refusal: string): Problem {
  const { text } = invalid_value(path, `"${place}" is not allowed: ${refusal}`);
  return { status: 403, code: "AddressNotAllowed", text };
}

/** Checks the address of a server. Returns the problem. Any phase. */
export function check_server_place(rules: AddressRules, server: string): Problem | undefined {
  if (!limits_servers(rules)) return undefined;
  const [address] = parse_address(server);
  if (address === undefined) return undefined;
  const refusal = refusal_of(rules, address.host, address.port, "server");
  return refusal === undefined ? undefined : not_allowed("server", server, refusal);
}

function check_port(rules: AddressRules, path: string, port: number | undefined): Problem | undefined {
  const refusal = port === undefined ? undefined : refusal_of_port(rules, port);
  return refusal === undefined ? undefined : not_allowed(path, string.format("%d", port), refusal);
}

/** Checks the URL of a registry or a webhook. What follows the host is left out of the problem. */
function check_url(rules: AddressRules, path: string, url: string | undefined): Problem | undefined {
  const [place] = string.match(url ?? "", "^https?://[^/?#]+");
  if (place === undefined) return undefined;
  const [parsed] = parse_url(place);
  if (parsed === undefined) return undefined;
  const refusal = refusal_of(rules, parsed.host, parsed.port, "service");
  return refusal === undefined ? undefined : not_allowed(path, place, refusal);
}

/** Checks a place that is a URL or a unix socket. */
function check_endpoint(rules: AddressRules, path: string, place: string | undefined): Problem | undefined {
  if (place === undefined || string.sub(place, 1, UNIX.length) !== UNIX) return check_url(rules, path, place);
  const refusal = refusal_of(rules, place, 0, "service");
  return refusal === undefined ? undefined : not_allowed(path, place, refusal);
}

function check_resolver(rules: AddressRules, path: string, resolver: string): Problem | undefined {
  const [address] = parse_address(resolver);
  const refusal =
    address === undefined ? undefined : refusal_of(rules, address.host, address.port, "service");
  return refusal === undefined ? undefined : not_allowed(path, resolver, refusal);
}

/** Checks each item of a list. Returns the first problem. */
function check_each(
  check: (this: void, rules: AddressRules, path: string, item: string) => Problem | undefined,
  rules: AddressRules,
  path: string,
  items: readonly string[] = [],
): Problem | undefined {
  for (const index of $range(0, items.length - 1)) {
    const problem = check(rules, `${path}[${index}]`, items[index]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Checks the members of an etcd cluster. `path` names its block. Returns the problem. Any phase. */
export function check_etcd_places(
  rules: AddressRules,
  path: string,
  etcd: Pick<EtcdConfig, "endpoints"> | undefined,
): Problem | undefined {
  return check_each(check_url, rules, `${path}.endpoints`, etcd?.endpoints);
}

/** Checks DNS servers. `path` names their list. Returns the problem. Any phase. */
export function check_resolver_places(
  rules: AddressRules,
  path: string,
  addresses: readonly string[] | undefined,
): Problem | undefined {
  return check_each(check_resolver, rules, path, addresses);
}

/** What is checked of the registries of an upstream, or of `setup`. */
type Registries = Partial<Pick<DiscoveryBlock, "consul_kv" | "dns" | "kubernetes">> & {
  etcd?: Pick<EtcdConfig, "endpoints"> | undefined;
  consul?: Pick<ConsulConfig, "address"> | undefined;
  docker?: Pick<DockerConfig, "endpoint"> | undefined;
};

/** Checks where a registry is. Returns the problem. Any phase. */
export function check_registry(rules: AddressRules, discovery: Registries): Problem | undefined {
  const { etcd, consul, consul_kv, dns, docker, kubernetes } = discovery;
  return (
    check_etcd_places(rules, "discovery.etcd", etcd) ??
    check_url(rules, "discovery.consul.address", consul?.address) ??
    check_url(rules, "discovery.consul_kv.address", consul_kv?.address) ??
    check_resolver_places(rules, "discovery.dns.resolvers", dns?.resolvers) ??
    check_port(rules, "discovery.dns.port", dns?.port) ??
    check_endpoint(rules, "discovery.docker.endpoint", docker?.endpoint) ??
    check_url(rules, "discovery.kubernetes.api_server", kubernetes?.api_server)
  );
}

/** A block of an upstream that names an address or a port. */
export type PlaceBlock = "discovery" | "health_check" | "autoscale" | "resolver";

type Check = (this: void, rules: AddressRules, settings: UpstreamSettings) => Problem | undefined;

const CHECKS: Record<PlaceBlock, Check> = {
  discovery: (rules, { discovery }) =>
    discovery === undefined ? undefined : check_registry(rules, discovery),
  health_check: (rules, { health_check }) =>
    check_port(rules, "health_check.port", health_check?.port) ??
    check_port(rules, "health_check.agent.port", health_check?.agent?.port),
  autoscale: (rules, { autoscale }) => check_url(rules, "autoscale.webhook.url", autoscale?.webhook?.url),
  resolver: (rules, { resolver }) => check_resolver_places(rules, "resolver.addresses", resolver?.addresses),
};
export const PLACE_BLOCKS: readonly PlaceBlock[] = ["discovery", "health_check", "autoscale", "resolver"];

/** Checks where a block of an upstream points. Returns the problem. Any phase. */
export function check_block_places(
  rules: AddressRules,
  name: PlaceBlock,
  settings: UpstreamSettings,
): Problem | undefined {
  return CHECKS[name](rules, settings);
}

/** Checks where a whole upstream points. Returns the problem. Any phase. */
export function check_places(
  rules: AddressRules,
  settings: UpstreamSettings,
  servers: readonly ServerConfig[],
): Problem | undefined {
  for (const name of PLACE_BLOCKS) {
    const problem = check_block_places(rules, name, settings);
    if (problem !== undefined) return problem;
  }
  for (const index of $range(0, servers.length - 1)) {
    const problem = check_server_place(rules, servers[index].server);
    if (problem !== undefined) return { ...problem, text: `servers[${index}]: ${problem.text}` };
  }
  return undefined;
}
