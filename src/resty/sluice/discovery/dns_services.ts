import { canonical_address, parse_address, type Address } from "../config/address";
import type { DnsConfig } from "../config/sources/dns";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import type { DnsRecord } from "../net/dns/message";
import { bounded_ttl } from "../net/dns/bounds";
import { look_up_name, type Ask } from "../net/dns/records";
import {
  addresses_of_targets,
  type AllAddresses,
  type Asker,
  type Family,
  type TargetAddresses,
} from "../net/dns/targets";
import { read } from "../store/document/read";
import { sourced_addresses } from "../store/document/sourced";
import { entry_of } from "./entry";
import type { Entry, Subscription } from "./source";

/** The servers that the SRV records of a name, or its addresses at a port, describe. */

/** The entries of a name and their TTL in seconds, or undefined and the cause of a failure. */
export type LookedUp = LuaMultiReturn<[entries: Entry[] | undefined, ttl: number, cause: string | undefined]>;

/** An SRV record, or a name and a port: a server at each address of its target. */
export interface Service {
  target: string;
  port: number;
  weight: number;
  backup: boolean;
}

/** Returns the services of an answer by priority. A record without a target means that there is no server. */
function services_of(records: readonly DnsRecord[]): Service[] {
  const named = records.filter((record) => record.target !== "") as Required<DnsRecord>[];
  table.sort(named, (a, b) => {
    if (a.priority !== b.priority) return a.priority < b.priority;
    return a.target === b.target ? a.port < b.port : a.target < b.target;
  });
  return named.map(({ target, port, weight, priority }) => {
    return { target, port, weight: math.max(1, weight), backup: priority > named[0].priority };
  });
}

/** Makes the entry of a service at an address. */
export type EntryOf = (this: void, service: Service, server: string) => Entry;

/** How the servers of a name are looked up. */
export interface ServiceLookup extends Omit<Asker, "known" | "now"> {
  name: string;
  entry: EntryOf;
}

function targets_of(services: readonly Service[]): string[] {
  const names: string[] = [];
  const seen = new LuaSet<string>();
  for (const { target } of services) {
    if (!seen.has(target)) names.push(target);
    seen.add(target);
  }
  return names;
}

/** Limit of the servers of one name: a few hundred records that share their targets may mean millions. */
const MOST_SERVERS = 10000;

function has_too_many(services: readonly Service[], { targets }: AllAddresses): boolean {
  let count = 0;
  for (const { target } of services) count += targets.get(target).hosts.length;
  return count > MOST_SERVERS;
}

/** Adds the servers of a service whose addresses are known. */
function add_known(
  entries: Entry[],
  service: Service,
  { hosts, unknown, problem }: TargetAddresses,
  entry: EntryOf,
): void {
  const { target, port } = service;
  for (const host of hosts) entries.push(entry(service, `${host}:${port}`));
  const has_none = hosts.length === 0 && unknown.length === 0;
  const reason = problem ?? (has_none ? `"${target}" has no address` : undefined);
  if (reason !== undefined) entries.push({ key: `${target}:${port}`, problem: reason });
}

function is_of_family(host: string, family: Family): boolean {
  return (string.sub(host, 1, 1) === "[") === (family === "AAAA");
}

/** Returns the canonical addresses of the servers before the first answer, from an earlier run. */
function earlier_servers({ name, mark }: Subscription): LuaSet<string> {
  const document = read(name);
  const earlier = new LuaSet<string>();
  for (const server of document === undefined ? [] : sourced_addresses(document, mark)) {
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
    for (const family of targets.get(service.target).unknown) {
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
  { name, mark, earlier }: Subscription,
  entry: EntryOf,
): void {
  const document = read(name);
  for (const server of document === undefined ? [] : sourced_addresses(document, mark)) {
    const [address] = parse_address(server);
    const may_stay = address !== undefined && earlier?.has(address.name) === true;
    const service = may_stay ? possible_service(services, all, address) : undefined;
    if (service !== undefined) entries.push(entry(service, server));
  }
}

/** Makes the entries of services whose addresses were looked up. `ttl`: that of the services, in seconds. */
export function entries_of_services(
  subscription: Subscription,
  services: readonly Service[],
  ttl: number,
  all: AllAddresses,
  entry: EntryOf,
): LookedUp {
  subscription.addresses = all.known;
  if (all.answered === 0 && all.cause !== undefined) return $multi(undefined, 0, all.cause);
  if (has_too_many(services, all))
    return $multi(undefined, 0, `the name has more than ${MOST_SERVERS} servers`);
  const entries: Entry[] = [];
  for (const service of services) add_known(entries, service, all.targets.get(service.target), entry);
  const earlier = subscription.earlier ?? earlier_servers(subscription);
  subscription.earlier = earlier;
  for (const { server } of entries) {
    if (server !== undefined) earlier.delete(canonical_address(server.server));
  }
  if (all.cause !== undefined) add_kept(entries, services, all, subscription, entry);
  return $multi(entries, math.min(ttl, all.ttl), undefined);
}

/** Looks up the servers of a name. A target that cannot be looked up keeps its last addresses. */
export function look_up_services(
  lookup: ServiceLookup,
  subscription: Subscription,
  change: (this: void, services: Service[]) => Service[] = (services) => services,
): LookedUp {
  const [found, cause] = look_up_name(lookup.ask, lookup.name, "SRV");
  if (found === undefined) return $multi(undefined, 0, cause);
  const services = change(services_of(found.records));
  const asker: Asker = { ...lookup, known: subscription.addresses, now: clock.now };
  const all = addresses_of_targets(asker, targets_of(services), found.additional);
  // An empty answer without an SOA record has no TTL. It is looked up again as soon as `min_ttl` allows.
  const ttl = bounded_ttl(asker, services.length === 0 ? (found.negative_ttl ?? 0) : found.ttl);
  return entries_of_services(subscription, services, ttl, all, lookup.entry);
}

/** Looks up the servers of `discovery.dns` with the type SRV. */
export function service_entries(ask: Ask, subscription: Subscription, config: DnsConfig): LookedUp {
  const { name, min_ttl, max_ttl } = config;
  const lookup: ServiceLookup = {
    ask,
    name,
    min_ttl: seconds_of(min_ttl),
    max_ttl: seconds_of(max_ttl),
    entry: ({ target, port, weight, backup }, server) =>
      entry_of(`${target}:${port}`, { server, weight, backup }),
  };
  return look_up_services(lookup, subscription);
}
