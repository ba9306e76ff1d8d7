import { check_server_address } from "../config/address_class";
import { check_server_place } from "../config/address_rules";
import { parts_of_name, srv_name } from "../config/host_name";
import type { ResolverConfig } from "../config/resolver";
import { address_rules } from "../net/allowed";
import { ask } from "../net/dns/ask";
import { look_up_host, new_asker } from "../net/dns/host";
import { lookup_options, type LookupOptions } from "../net/dns/system";
import type { Asker } from "../net/dns/targets";
import { address_server, type HostRecord } from "../store/document/host";
import { entries_of_services, look_up_services, type LookedUp, type Service } from "./dns_services";
import { options_of } from "./resolver";
import { is_closed, note_success, rest, source_per_upstream } from "./session";
import { CONFIRM_SECONDS, SESSION_SECONDS, type Entry, type Source, type Subscription } from "./source";
import { answer } from "./subscription";

/** Host names as servers: each address of a name becomes a server, with the parameters of its parent. */

/** A server with a host name, and how it is looked up. */
export interface HostConfig {
  /** The `server` of `host`, for messages. */
  server: string;
  host: HostRecord;
  resolver: ResolverConfig | undefined;
}

function entry_at(host: HostRecord, { target, port, weight, backup }: Service, server: string): Entry {
  const key = `${target}:${port}`;
  const unfit = check_server_address(server) ?? check_server_place(address_rules(), server);
  if (unfit !== undefined) return { key, problem: unfit.text };
  return { key, server: address_server(host, server, weight, backup) };
}

/** As in nginx, a backup server has only the records of the highest priority. */
function services_for(host: HostRecord, services: Service[]): Service[] {
  if (!host.backup) return services;
  return services.filter(({ backup }) => !backup).map((service) => ({ ...service, backup: true }));
}

function look_up(
  subscription: Subscription,
  { host }: HostConfig,
  options: LookupOptions,
  asker: Asker,
): LookedUp {
  const { server, service, weight, backup } = host;
  const entry = (its_service: Service, address: string) => entry_at(host, its_service, address);
  if (service !== undefined) {
    const lookup = { ...asker, name: srv_name(server, service), entry };
    return look_up_services(lookup, subscription, (services) => services_for(host, services));
  }
  const [name, port] = parts_of_name(server);
  const { all, name: full_name } = look_up_host(asker, options, name);
  const services = [{ target: full_name, port: port ?? 0, weight, backup }];
  return entries_of_services(subscription, services, math.huge, all, entry);
}

/** Looks up the host name of a server again whenever its records expire. */
export const host_name: Source = source_per_upstream<HostConfig>("resolve", (subscription, config) => {
  const { feed } = subscription;
  const { resolver } = config;
  const own = resolver === undefined ? undefined : options_of(resolver, feed.attempts);
  const step = () => {
    // Without a `resolver`, those of the system may have changed.
    const options = own ?? lookup_options();
    const asker = new_asker(options, subscription.addresses, (name, record_type) =>
      ask(options.resolvers, name, record_type, () => is_closed(feed)),
    );
    const [entries, ttl, cause] = look_up(subscription, config, options, asker);
    if (entries === undefined) return cause;
    note_success(feed);
    const is_settled = answer(subscription, entries, "");
    const seconds = math.max(asker.retry.least, math.min(asker.max_ttl, ttl));
    rest(feed, math.min(seconds, is_settled ? SESSION_SECONDS : CONFIRM_SECONDS));
    return undefined;
  };
  return { step };
});
