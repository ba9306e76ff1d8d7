import type { DnsConfig } from "../config/sources/dns";
import { seconds_of } from "../config/time";
import { ask, new_resolvers } from "../net/dns/ask";
import { look_up_name, type Ask } from "../net/dns/records";
import { lookup_options } from "../net/dns/system";
import { service_entries, type LookedUp } from "./dns_services";
import { entry_of } from "./entry";
import { places_of } from "./resolver";
import { is_closed, note_success, rest, source_per_upstream } from "./session";
import { CONFIRM_SECONDS, SESSION_SECONDS, type Source } from "./source";
import { answer } from "./subscription";

/** DNS: the addresses of a name, or its SRV records. A name that does not exist is an empty answer. */

function address_entries(ask_for: Ask, { name, type: record_type, port }: DnsConfig): LookedUp {
  const [found, cause] = look_up_name(ask_for, name, record_type);
  if (found === undefined) return $multi(undefined, 0, cause);
  const hosts = found.records.map(({ host }) => host ?? "");
  table.sort(hosts);
  const entries = hosts.map((host) => entry_of(`${host}:${port}`, { server: `${host}:${port}` }));
  // An empty answer without an SOA record has no TTL. It is looked up again as soon as `min_ttl` allows.
  return $multi(entries, hosts.length === 0 ? (found.negative_ttl ?? 0) : found.ttl, undefined);
}

/** Looks up a name again whenever its records expire. */
export const dns: Source = source_per_upstream<DnsConfig>("dns", (subscription, config) => {
  const { feed } = subscription;
  const { resolvers } = config;
  const own = resolvers === undefined ? undefined : new_resolvers(places_of(resolvers), feed.attempts);
  // Those of the system may have changed.
  const ask_for: Ask = (name, record_type) =>
    ask(own ?? lookup_options().resolvers, name, record_type, () => is_closed(feed));
  const step = () => {
    const [entries, ttl, cause] =
      config.type === "SRV"
        ? service_entries(ask_for, subscription, config)
        : address_entries(ask_for, config);
    if (entries === undefined) return cause;
    note_success(feed);
    const is_settled = answer(subscription, entries, "");
    const seconds = math.max(seconds_of(config.min_ttl), math.min(seconds_of(config.max_ttl), ttl));
    rest(feed, math.min(seconds, is_settled ? SESSION_SECONDS : CONFIRM_SECONDS));
    return undefined;
  };
  return { step };
});
