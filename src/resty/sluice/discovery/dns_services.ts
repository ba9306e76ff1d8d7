import type { DnsRecord } from "resty.dns.resolver";
import { canonical_address, parse_address, type Address } from "../config/address";
import type { DnsConfig } from "../config/sources/dns";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { read } from "../store/document/read";
import { sourced_addresses } from "../store/document/sourced";
import { domain_name, look_up_name, type Ask } from "./dns_records";
import { addresses_of_targets, type AllAddresses, type Family, type TargetAddresses } from "./dns_targets";
import { entry_of } from "./entry";
import type { Entry, Subscription } from "./source";

/** The servers that the SRV records of a name describe. */

/** The entries of a name and their TTL in seconds, or undefined and the cause of a failure. */
export type LookedUp = LuaMultiReturn<[entries: Entry[] | undefined, ttl: number, cause: string | undefined]>;

/** An SRV record: a server at each address of its target. */
interface Service {
  target: string;
  port: number;
  weight: number;
  backup: boolean;
}

/** Returns the services of an answer by priority. A record without a target means that there is no server. */
function services_of(records: readonly DnsRecord[]): Service[] {
  const named = records.filter((record) => record.target !== "");
  table.sort(named, (a, b) => {
    if (a.priority !== b.priority) return a.priority < b.priority;
    return a.target === b.target ? a.port < b.port : a.target < b.target;
  });
  return named.map(({ target, port, weight, priority }) => {
    return { target, port, weight: math.max(1, weight), backup: priority > named[0].priority };
  });
}

function targets_of(services: readonly Service[]): string[] {
  const names: string[] = [];
  const seen = new LuaSet<string>();
  for (const service of services) {
    const name = domain_name(service.target);
    if (!seen.has(name)) names.push(name);
    seen.add(name);
  }
  return names;
}

function add_server(entries: Entry[], { target, port, weight, backup }: Service, server: string): void {
  entries.push(entry_of(`${target}:${port}`, { server, weight, backup }));
}

/** Adds the servers of a service whose addresses are known. Returns false if its target has none. */
function add_known(
  entries: Entry[],
  service: Service,
  { hosts, unknown, problem }: TargetAddresses,
): boolean {
  const { target, port } = service;
  for (const host of hosts) add_server(entries, service, `${host}:${port}`);
  const has_none = hosts.length === 0 && unknown.length === 0;
  const reason = problem ?? (has_none ? `"${target}" has no address` : undefined);
  if (reason !== undefined) entries.push({ key: `${target}:${port}`, problem: reason });
  return !has_none;
}

function is_of_family(host: string, family: Family): boolean {
  return (string.sub(host, 1, 1) === "[") === (family === "AAAA");
}

/** Returns the canonical addresses of the servers before the first answer, from an earlier run. */
function earlier_servers(name: string): LuaSet<string> {
  const document = read(name);
  const earlier = new LuaSet<string>();
  for (const server of document === undefined ? [] : sourced_addresses(document, "discovery")) {
    earlier.add(canonical_address(server));
  }
  return earlier;
}

/** Returns the first service with the port of an address whose target has unknown addresses of its family. */
function possible_service(
  services: readonly Service[],
  { targets }: AllAddresses,
  { host, port }: Address,
): Service | undefined {
  for (const service of services) {
    for (const family of targets.get(domain_name(service.target)).unknown) {
      if (port === service.port && is_of_family(host, family)) return service;
    }
  }
  return undefined;
}

/** Keeps the servers of `earlier` that the upstream still has and that a service may still have. */
function add_kept(
  entries: Entry[],
  services: readonly Service[],
  all: AllAddresses,
  { name, earlier }: Subscription,
): void {
  const document = read(name);
  for (const server of document === undefined ? [] : sourced_addresses(document, "discovery")) {
    const [address] = parse_address(server);
    const may_stay = address !== undefined && earlier?.has(address.name) === true;
    const service = may_stay ? possible_service(services, all, address) : undefined;
    if (service !== undefined) add_server(entries, service, server);
  }
}

/** Looks up the servers of a name. A target that cannot be looked up keeps its last addresses. */
export function service_entries(ask: Ask, subscription: Subscription, config: DnsConfig): LookedUp {
  const [found, cause] = look_up_name(ask, config.name, "SRV");
  if (found === undefined) return $multi(undefined, 0, cause);
  const services = services_of(found.records);
  const asker = {
    ask,
    known: subscription.addresses,
    now: clock.now,
    min_ttl: seconds_of(config.min_ttl),
    max_ttl: seconds_of(config.max_ttl),
  };
  const all = addresses_of_targets(asker, targets_of(services), found.additional);
  subscription.addresses = all.known;
  if (all.answered === 0 && all.cause !== undefined) return $multi(undefined, 0, all.cause);
  const entries: Entry[] = [];
  // An empty answer has no TTL. The name is looked up again as soon as `min_ttl` allows.
  let ttl = services.length === 0 ? 0 : math.min(found.ttl, all.ttl);
  for (const service of services) {
    if (!add_known(entries, service, all.targets.get(domain_name(service.target)))) ttl = 0;
  }
  const earlier = subscription.earlier ?? earlier_servers(subscription.name);
  subscription.earlier = earlier;
  for (const { server } of entries) {
    if (server !== undefined) earlier.delete(canonical_address(server.server));
  }
  if (all.cause !== undefined) add_kept(entries, services, all, subscription);
  return $multi(entries, ttl, undefined);
}
