import type { EtcdConfig } from "../config/sources/etcd";
import { folder_of } from "../config/texts";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { keys_of } from "../lib/tables";
import { log_in, new_etcd_client, type EtcdClient } from "../net/etcd/client";
import { is_alive, list_keys } from "../net/etcd/keys";
import { covering_range } from "../net/etcd/prefix";
import { next_events, open_watch, type KeyEvent } from "../net/etcd/watch";
import type { Stream } from "../net/stream";
import { LOOK_SECONDS } from "../net/wait";
import { read_entry } from "./entry";
import { config_of, is_closed, note_opened, note_success, run_session, stop_watching } from "./session";
import { CONFIRM_SECONDS, type Entry, type Feed, type Source, type Subscription } from "./source";
import { answer } from "./subscription";

/**
 * etcd: each key below the upstream's prefix is a server. When a key is deleted or its lease ends, its server
 * is removed. All upstreams that follow the same etcd share one watch. It covers the range from the first
 * prefix to the end of the last one, which the user must have permission to read.
 */

/** A prefix and its keys at one revision of etcd. */
interface Listed {
  subscription: Subscription;
  prefix: string;
  entries: LuaTable<string, Entry>;
  revision: number;
}

interface EtcdSession {
  feed: Feed;
  client: EtcdClient;
  prefixes: Listed[];
  /** The feed's `changes` when `prefixes` was made. */
  changes: number;
  stream: Stream | undefined;
  /** The revision of the last event. All events of earlier revisions were delivered before it. */
  seen: number;
  /** When the member was last checked, by the monotonic clock. */
  checked: number;
}

const CHECK_SECONDS = math.min(1, CONFIRM_SECONDS);

function entries_of({ entries }: Listed): Entry[] {
  const keys = keys_of(entries);
  table.sort(keys);
  return keys.map((key) => entries.get(key));
}

function apply_entries(listed: Listed): void {
  answer(listed.subscription, entries_of(listed), string.format("%d", listed.revision));
}

function list(client: EtcdClient, listed: Listed): string | undefined {
  const [listing, cause] = list_keys(client, listed.prefix);
  if (listing === undefined) return cause;
  listed.entries = new LuaTable();
  listed.revision = listing.revision;
  for (const { key, value } of listing.keys) listed.entries.set(key, read_entry(key, value));
  apply_entries(listed);
  return undefined;
}

/** Lists the prefixes of new subscriptions and drops those of ended ones. Returns the cause of a failure. */
function follow_subscriptions(session: EtcdSession): string | undefined {
  const { feed, client } = session;
  session.changes = feed.changes;
  const before = new LuaTable<Subscription, Listed | undefined>();
  for (const listed of session.prefixes) before.set(listed.subscription, listed);
  const subscriptions: Subscription[] = [];
  for (const [, subscription] of pairs(feed.subscriptions)) subscriptions.push(subscription);
  session.prefixes = [];
  for (const subscription of subscriptions) {
    let listed = before.get(subscription);
    if (listed === undefined) {
      const prefix = folder_of(config_of<EtcdConfig>(subscription).prefix);
      listed = { subscription, prefix, entries: new LuaTable(), revision: 0 };
      const cause = list(client, listed);
      if (cause !== undefined) return cause;
    }
    session.prefixes.push(listed);
  }
  return undefined;
}

function note_event(listed: Listed, { key, value, revision }: KeyEvent): boolean {
  const { prefix, entries } = listed;
  if (revision <= listed.revision || string.sub(key, 1, prefix.length) !== prefix) return false;
  if (value === undefined) entries.delete(key);
  else entries.set(key, read_entry(key, value));
  return true;
}

function apply_events(session: EtcdSession, events: readonly KeyEvent[]): void {
  if (events.length > 0 && session.feed.failures > 0) note_success(session.feed);
  let seen = session.seen;
  const changed = new LuaSet<Listed>();
  for (const event of events) {
    seen = math.max(seen, event.revision);
    for (const listed of session.prefixes) {
      if (note_event(listed, event)) changed.add(listed);
    }
  }
  session.seen = seen;
  // A revision may change several keys, so the answers are applied after all events.
  for (const listed of session.prefixes) {
    if (listed.revision < seen) listed.revision = seen;
    if (changed.has(listed)) apply_entries(listed);
  }
}

/** Watches all prefixes from the earliest revision of their listings. Returns the cause of a failure. */
function watch(session: EtcdSession): string | undefined {
  const prefixes = session.prefixes.map(({ prefix }) => prefix);
  let earliest = math.huge;
  for (const { revision } of session.prefixes) earliest = math.min(earliest, revision);
  const [stream, cause] = open_watch(session.client, covering_range(prefixes), earliest + 1);
  session.stream = stream;
  session.seen = earliest;
  if (stream === undefined) return cause;
  // The first message tells whether the user has permission to watch the whole range.
  const [events, refused] = next_events(stream, LOOK_SECONDS);
  if (events !== undefined) apply_events(session, events);
  return refused;
}

/** Lists the prefixes whose answers wait, and checks the member. Returns the cause of a failure. */
function check(session: EtcdSession): string | undefined {
  session.checked = clock.now();
  for (const listed of session.prefixes) {
    if (!listed.subscription.is_settled) {
      const cause = list(session.client, listed);
      if (cause !== undefined) return cause;
    }
  }
  const [alive, cause] = is_alive(session.client, session.prefixes[0].prefix);
  if (alive !== undefined) note_success(session.feed);
  return cause;
}

/** Begins a watch, checks the member, or takes the next events. Returns the cause of a failure. */
function step(session: EtcdSession): string | undefined {
  if (session.changes !== session.feed.changes || session.stream === undefined) {
    stop_watching(session);
    const cause = follow_subscriptions(session) ?? watch(session);
    if (cause !== undefined || session.stream === undefined) return cause;
    note_opened(session.feed);
    session.checked = clock.now();
  }
  const left = session.checked + CHECK_SECONDS - clock.now();
  if (left <= 0) return check(session);
  const [events, cause] = next_events(session.stream, math.min(left, LOOK_SECONDS));
  if (events === undefined) return cause;
  apply_events(session, events);
  return undefined;
}

function follow(this: void, feed: Feed): string | undefined {
  const [, first] = next(feed.subscriptions);
  const config = config_of<EtcdConfig>(first as Subscription);
  const client = new_etcd_client(config, feed.attempts, "etcd", () => is_closed(feed));
  const [logged_in, refused] = log_in(client);
  if (logged_in === undefined) return refused;
  const session: EtcdSession = {
    feed,
    client,
    prefixes: [],
    changes: -1,
    stream: undefined,
    seen: 0,
    checked: clock.now(),
  };
  return run_session(feed, {
    step: () => step(session),
    close: () => {
      stop_watching(session);
    },
  });
}

/** Follows the keys below the prefixes of one or several upstreams. */
export const etcd: Source = {
  key_of: (_name, config) => {
    const { endpoints, user, password, tls } = config as EtcdConfig;
    return encode({ endpoints, user, password, tls });
  },
  follow,
};
