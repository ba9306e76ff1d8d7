import type { EtcdConfig } from "../config/sources/etcd";
import { folder_of } from "../config/texts";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { log_in, new_etcd_client, type EtcdClient } from "../net/etcd/client";
import { is_alive, list_keys } from "../net/etcd/keys";
import { covering_range } from "../net/etcd/prefix";
import { close_watch, next_events, open_watch, type KeyEvent } from "../net/etcd/watch";
import type { Stream } from "../net/stream";
import { LOOK_SECONDS } from "../net/wait";
import { read_entry } from "./entry";
import { CONFIRM_SECONDS, type Entry, type Feed, type Source, type Subscription } from "./source";
import { answer, config_of, is_closed, note_opened, note_success, run_session } from "./subscription";

/**
 * etcd: a prefix an upstream, a key a server. All upstreams that follow the same etcd share one watch, which their user must
 * be allowed: from the first of the prefixes to the end of the last. A key that is
 * gone, by a lease or otherwise, is a server that is gone.
 */

/** A prefix as it is known: what stands below it at a revision. */
interface Known {
  subscription: Subscription;
  prefix: string;
  entries: LuaTable<string, Entry>;
  revision: number;
}

interface Session {
  feed: Feed;
  client: EtcdClient;
  known: Known[];
  /** Of the feed, when `known` was made. */
  changes: number;
  stream: Stream | undefined;
  /** Of the last change that the watch has brought: all before it have come. */
  seen: number;
  /** When to ask whether the member is well. */
  checked: number;
}

/** Seconds from one question whether the member is well to the next, while nothing comes. */
const CHECK_SECONDS = 1;

function entries_of({ entries }: Known): Entry[] {
  const keys: string[] = [];
  for (const [key] of pairs(entries)) keys.push(key);
  table.sort(keys);
  const all: Entry[] = [];
  for (const key of keys) all.push(entries.get(key));
  return all;
}

function tell(known: Known): void {
  answer(known.subscription, entries_of(known), string.format("%d", known.revision));
}

/** Reads all keys of a prefix. Returns the cause when it fails. */
function list(client: EtcdClient, known: Known): string | undefined {
  const [listing, cause] = list_keys(client, known.prefix);
  if (listing === undefined) return cause;
  known.entries = new LuaTable();
  known.revision = listing.revision;
  for (const { key, value } of listing.keys) known.entries.set(key, read_entry(key, value));
  tell(known);
  return undefined;
}

/** Makes what is known what the feed wants. Returns the cause when a listing fails. */
function follow_subscriptions(session: Session): string | undefined {
  const { feed, client } = session;
  session.changes = feed.changes;
  const before = new LuaTable<Subscription, Known | undefined>();
  for (const known of session.known) before.set(known.subscription, known);
  const subscriptions: Subscription[] = [];
  for (const [, subscription] of pairs(feed.subscriptions)) subscriptions.push(subscription);
  session.known = [];
  for (const subscription of subscriptions) {
    let known = before.get(subscription);
    if (known === undefined) {
      const prefix = folder_of(config_of<EtcdConfig>(subscription).prefix);
      known = { subscription, prefix, entries: new LuaTable(), revision: 0 };
      const cause = list(client, known);
      if (cause !== undefined) return cause;
    }
    session.known.push(known);
  }
  return undefined;
}

function stop_watching(session: Session): void {
  if (session.stream !== undefined) close_watch(session.stream);
  session.stream = undefined;
}

function apply_event(known: Known, { key, value, revision }: KeyEvent): boolean {
  if (revision <= known.revision || string.sub(key, 1, known.prefix.length) !== known.prefix) return false;
  if (value === undefined) known.entries.delete(key);
  else known.entries.set(key, read_entry(key, value));
  return true;
}

function apply_events(session: Session, events: readonly KeyEvent[]): void {
  if (events.length > 0 && session.feed.failures > 0) note_success(session.feed);
  let seen = session.seen;
  const changed = new LuaSet<Known>();
  for (const event of events) {
    seen = math.max(seen, event.revision);
    for (const known of session.known) {
      if (apply_event(known, event)) changed.add(known);
    }
  }
  session.seen = seen;
  // Only now: one revision may have changed several keys.
  for (const known of session.known) {
    if (known.revision < seen) known.revision = seen;
    if (changed.has(known)) tell(known);
  }
}

/** Watches what is known, from where all of it is known. Returns the cause when it fails. */
function watch(session: Session): string | undefined {
  const prefixes: string[] = [];
  let known_to = math.huge;
  for (const { prefix, revision } of session.known) {
    prefixes.push(prefix);
    known_to = math.min(known_to, revision);
  }
  const [stream, cause] = open_watch(session.client, covering_range(prefixes), known_to + 1);
  session.stream = stream;
  session.seen = known_to;
  if (stream === undefined) return cause;
  // Whether the user may watch all of it stands only in the first message.
  const [events, refused] = next_events(stream, LOOK_SECONDS);
  if (events !== undefined) apply_events(session, events);
  return refused;
}

/** Asks again for what waits, and whether all is well. Returns the cause when it is not. */
function check(session: Session): string | undefined {
  session.checked = clock.now();
  for (const known of session.known) {
    if (!known.subscription.is_settled) {
      const cause = list(session.client, known);
      if (cause !== undefined) return cause;
    }
  }
  const [alive, cause] = is_alive(session.client, session.known[0].prefix);
  if (alive !== undefined) note_success(session.feed);
  return cause;
}

/** One turn: whatever comes next. Returns the cause when something fails. */
function go_on(session: Session): string | undefined {
  if (session.changes !== session.feed.changes || session.stream === undefined) {
    stop_watching(session);
    const cause = follow_subscriptions(session) ?? watch(session);
    if (cause !== undefined || session.stream === undefined) return cause;
    note_opened(session.feed);
    session.checked = clock.now();
  }
  const left = session.checked + math.min(CHECK_SECONDS, CONFIRM_SECONDS) - clock.now();
  if (left <= 0) return check(session);
  const [events, cause] = next_events(session.stream, math.min(left, LOOK_SECONDS));
  if (events === undefined) return cause;
  apply_events(session, events);
  return undefined;
}

function follow(this: void, feed: Feed): string | undefined {
  const [, first] = next(feed.subscriptions);
  const place = config_of<EtcdConfig>(first as Subscription);
  const client = new_etcd_client(place, feed.attempts, "etcd", () => is_closed(feed));
  const [logged_in, refused] = log_in(client);
  if (logged_in === undefined) return refused;
  const session: Session = {
    feed,
    client,
    known: [],
    changes: -1,
    stream: undefined,
    seen: 0,
    checked: clock.now(),
  };
  const cause = run_session(feed, () => go_on(session));
  stop_watching(session);
  return cause;
}

export const etcd: Source = {
  key_of: (_name, config) => {
    const { endpoints, user, password, tls } = config as EtcdConfig;
    return encode({ endpoints, user, password, tls });
  },
  follow,
};
