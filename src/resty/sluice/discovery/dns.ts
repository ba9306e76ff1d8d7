import type { DnsConfig } from "../config/sources/dns";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { sleep_until } from "../net/wait";
import { host_of, look_up_name, type Ask } from "./dns_records";
import { service_entries } from "./dns_services";
import { entry_of } from "./entry";
import { ask, new_resolvers } from "./resolver";
import { CONFIRM_SECONDS, SESSION_SECONDS, type Entry, type Feed, type Source } from "./source";
import { answer, config_of, is_closed, note_success, only_subscription, run_session } from "./subscription";

/** DNS: the addresses of a name, or its SRV records. A name that does not exist is an empty answer. */

type LookedUp = LuaMultiReturn<[entries: Entry[] | undefined, ttl: number, cause: string | undefined]>;

function address_entries(ask_for: Ask, { name, type: record_type, port }: DnsConfig): LookedUp {
  const [found, cause] = look_up_name(ask_for, name, record_type);
  if (found === undefined) return $multi(undefined, 0, cause);
  const hosts: string[] = [];
  for (const record of found.records) hosts.push(host_of(record) ?? "");
  table.sort(hosts);
  const entries: Entry[] = [];
  for (const host of hosts) {
    const server = `${host}:${port}`;
    entries.push(entry_of(server, { server }));
  }
  // What is not there has no TTL: it is asked for again as soon as possible.
  return $multi(entries, hosts.length === 0 ? 0 : found.ttl, undefined);
}

function follow(this: void, feed: Feed): string | undefined {
  const subscription = only_subscription(feed);
  const config = config_of<DnsConfig>(subscription);
  const is_over = () => is_closed(feed);
  const resolvers = new_resolvers(config.resolvers, feed.attempts);
  const ask_for: Ask = (name, record_type) => ask(resolvers, name, record_type, is_over);
  const end = clock.now() + SESSION_SECONDS;
  return run_session(feed, () => {
    const [entries, ttl, cause] =
      config.type === "SRV"
        ? service_entries(ask_for, subscription, config)
        : address_entries(ask_for, config);
    if (entries === undefined) return cause;
    note_success(feed);
    const is_settled = answer(subscription, entries, "");
    const seconds = math.max(seconds_of(config.min_ttl), math.min(seconds_of(config.max_ttl), ttl));
    const rest = is_settled ? seconds : math.min(seconds, CONFIRM_SECONDS);
    sleep_until(math.min(clock.now() + rest, end), is_over);
    return undefined;
  });
}

export const dns: Source = {
  key_of: (name, config) => encode(["dns", name, config]),
  follow,
};
