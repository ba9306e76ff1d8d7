import type { DnsRecord } from "resty.dns.resolver";
import type { DnsConfig } from "../config/sources/dns";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { ip_bytes, ip_text } from "../lib/ip";
import { encode } from "../lib/json";
import { sleep_until } from "../net/wait";
import { entry_of } from "./entry";
import { ask, new_resolvers, TYPES, type RecordType, type Resolvers } from "./resolver";
import { CONFIRM_SECONDS, SESSION_SECONDS, type Entry, type Feed, type Source } from "./source";
import { answer, config_of, is_closed, note_success, only_subscription, run_session } from "./subscription";

/** DNS: the addresses of a name, or its SRV records. What does not exist is an empty answer, not a failure. */

interface Session {
  config: DnsConfig;
  resolvers: Resolvers;
  is_over: (this: void) => boolean;
  /** Of the answer that is being read: its smallest TTL, in seconds; 0 when something is not there. */
  ttl: number;
  /** Of the answer that is being read: the addresses of SRV targets, by name. */
  hosts: LuaTable<string, string[]>;
}

type Asked<T> = LuaMultiReturn<[T | undefined, string | undefined]>;

const ADDITIONAL_SECTION = 3;

/** Asks, and notes the TTL. */
function ask_for(session: Session, name: string, record_type: RecordType): Asked<DnsRecord[]> {
  const [records, cause] = ask(session.resolvers, name, record_type, session.is_over);
  if (records === undefined) return $multi(undefined, cause);
  for (const { ttl } of records) session.ttl = math.min(session.ttl, ttl);
  return $multi(records, undefined);
}

/** Adds the address of a record, if it has one, as nginx writes it. */
function add_host(hosts: string[], record: DnsRecord): void {
  if (record.type === TYPES.A) hosts.push(record.address);
  const ipv6 = record.type === TYPES.AAAA ? ip_bytes(record.address) : undefined;
  if (ipv6 !== undefined) hosts.push(`[${ip_text(ipv6)}]`);
}

/** The addresses of a name. The records of a CNAME's are among those of the name. */
function hosts_of(session: Session, name: string, record_type: RecordType): Asked<string[]> {
  const [records, cause] = ask_for(session, name, record_type);
  if (records === undefined) return $multi(undefined, cause);
  const hosts: string[] = [];
  for (const record of records) add_host(hosts, record);
  table.sort(hosts);
  return $multi(hosts, undefined);
}

function address_entries(session: Session): Asked<Entry[]> {
  const { name, type: record_type, port } = session.config;
  const [hosts, cause] = hosts_of(session, name, record_type);
  if (hosts === undefined) return $multi(undefined, cause);
  const entries: Entry[] = [];
  for (const host of hosts) {
    const server = `${host}:${port}`;
    entries.push(entry_of(server, { server }));
  }
  return $multi(entries, undefined);
}

/** The addresses of an SRV target, of both families: those that came with the answer, or else by questions of their own. */
function hosts_of_target(session: Session, target: string): Asked<string[]> {
  const name = string.lower(target);
  const known = session.hosts.get(name) as string[] | undefined;
  if (known !== undefined) return $multi(known, undefined);
  const [hosts, cause] = hosts_of(session, name, "A");
  if (hosts === undefined) return $multi(undefined, cause);
  const [more, other_cause] = hosts_of(session, name, "AAAA");
  if (more === undefined) return $multi(undefined, other_cause);
  for (const host of more) hosts.push(host);
  session.hosts.set(name, hosts);
  return $multi(hosts, undefined);
}

/** The SRV records of an answer, the first to be used first; those that name no target say that there is no server. */
function services_of(records: readonly DnsRecord[]): DnsRecord[] {
  const services: DnsRecord[] = [];
  for (const record of records) {
    if (record.type === TYPES.SRV && record.target !== "") services.push(record);
  }
  table.sort(services, (a, b) => {
    if (a.priority !== b.priority) return a.priority < b.priority;
    return a.target === b.target ? a.port < b.port : a.target < b.target;
  });
  return services;
}

/** Notes the addresses that came with an SRV answer. */
function note_additional(session: Session, records: readonly DnsRecord[]): void {
  for (const record of records) {
    if (record.section === ADDITIONAL_SECTION) {
      const name = string.lower(record.name);
      const hosts = (session.hosts.get(name) as string[] | undefined) ?? [];
      add_host(hosts, record);
      if (hosts.length > 0) session.hosts.set(name, hosts);
    }
  }
}

/** Adds a server for each address of a record's target. Returns the cause when these cannot be had. */
function add_service(
  session: Session,
  entries: Entry[],
  record: DnsRecord,
  backup: boolean,
): string | undefined {
  const { target, port, weight } = record;
  const key = `${target}:${port}`;
  const [hosts, cause] = hosts_of_target(session, target);
  if (hosts === undefined) return cause;
  if (hosts.length === 0) {
    session.ttl = 0;
    entries.push({ key, problem: `"${target}" has no address` });
  }
  for (const host of hosts) {
    entries.push(entry_of(key, { server: `${host}:${port}`, weight: math.max(1, weight), backup }));
  }
  return undefined;
}

function service_entries(session: Session): Asked<Entry[]> {
  const [records, cause] = ask_for(session, session.config.name, "SRV");
  if (records === undefined) return $multi(undefined, cause);
  note_additional(session, records);
  const entries: Entry[] = [];
  const services = services_of(records);
  for (const record of services) {
    const backup = record.priority > services[0].priority;
    const failure = add_service(session, entries, record, backup);
    if (failure !== undefined) return $multi(undefined, failure);
  }
  return $multi(entries, undefined);
}

/** Asks once for everything. Returns the entries, and the seconds after which to ask again; or undefined and the cause. */
function look_up(session: Session): LuaMultiReturn<[Entry[] | undefined, number, string | undefined]> {
  const { type: record_type, min_ttl, max_ttl } = session.config;
  session.ttl = math.huge;
  session.hosts = new LuaTable();
  const [entries, cause] = record_type === "SRV" ? service_entries(session) : address_entries(session);
  // What is not there has no TTL: it is asked for again as soon as can be.
  if (entries?.length === 0) session.ttl = 0;
  const seconds = math.max(seconds_of(min_ttl), math.min(seconds_of(max_ttl), session.ttl));
  return $multi(entries, seconds, cause);
}

function follow(this: void, feed: Feed): string | undefined {
  const subscription = only_subscription(feed);
  const config = config_of<DnsConfig>(subscription);
  const is_over = () => is_closed(feed);
  const resolvers = new_resolvers(config.resolvers, feed.attempts);
  const session: Session = { config, resolvers, is_over, ttl: 0, hosts: new LuaTable() };
  const end = clock.now() + SESSION_SECONDS;
  return run_session(feed, () => {
    const [entries, seconds, cause] = look_up(session);
    if (entries === undefined) return cause;
    note_success(feed);
    const is_settled = answer(subscription, entries, "");
    const rest = is_settled ? seconds : math.min(seconds, CONFIRM_SECONDS);
    sleep_until(math.min(clock.now() + rest, end), is_over);
    return undefined;
  });
}

export const dns: Source = {
  key_of: (name, config) => encode(["dns", name, config]),
  follow,
};
