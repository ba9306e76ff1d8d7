import { parse_key_prefix, type KeyPrefix } from "../../config/key_prefix";
import type { EtcdTemplateConfig } from "../../config/sources/etcd";
import * as clock from "../../lib/clock";
import { new_pause } from "../../lib/pause";
import { keys_of } from "../../lib/tables";
import { log_in, new_etcd_client, type EtcdClient } from "../../net/etcd/client";
import { is_alive, list_keys, too_many_keys } from "../../net/etcd/keys";
import { covering_range } from "../../net/etcd/prefix";
import { next_events, open_watch, type KeyEvent } from "../../net/etcd/watch";
import type { Stream } from "../../net/stream";
import { LOOK_SECONDS } from "../../net/wait";
import { read_entry } from "../entry";
import { is_closed, note_opened, note_success, run_session, stop_watching } from "../session";
import { CONFIRM_SECONDS, type Entry } from "../source";
import { is_settled, keep_up, take_all, take_some, type Groups } from "./answer";
import type { Memory } from "./memory";
import { place_of_key } from "./names";

/** etcd as the registry of a template: one listing and one watch of the keys of all upstreams. */

interface EtcdSession {
  memory: Memory;
  client: EtcdClient;
  prefix: KeyPrefix;
  /** The entries by upstream and key. */
  entries: LuaTable<string, LuaTable<string, Entry> | undefined>;
  misplaced: LuaTable<string, string>;
  /** The number of keys of upstreams. */
  count: number;
  stream: Stream | undefined;
  /** etcd's revision of the last listing, and of the last event. */
  listed: number;
  seen: number;
  /** When the member was last checked, by the monotonic clock. */
  checked: number;
}

const MOST_KEYS = 200000;
const CHECK_SECONDS = math.min(1, CONFIRM_SECONDS);
/** Longest wait for events, after which changes of upstreams by others are looked for, in seconds. */
const WAIT_SECONDS = math.min(0.1, LOOK_SECONDS);

/** Returns the entries of an upstream in the order of their keys; undefined: none. */
function entries_of({ entries }: EtcdSession, name: string): Entry[] | undefined {
  const own = entries.get(name);
  if (own === undefined) return undefined;
  const keys = keys_of(own);
  table.sort(keys);
  return keys.map((key) => own.get(key));
}

/** Notes a key. Returns the upstream to which it belongs; undefined: none. */
function put_key(session: EtcdSession, key: string, value: string): string | undefined {
  const { name, reason } = place_of_key(session.prefix, key);
  if (reason !== undefined) session.misplaced.set(key, reason);
  if (name === undefined) return undefined;
  let own = session.entries.get(name);
  if (own === undefined) {
    own = new LuaTable();
    session.entries.set(name, own);
  }
  if (!own.has(key)) session.count += 1;
  own.set(key, read_entry(key, value));
  return name;
}

/** Forgets a key. Returns the upstream to which it belonged; undefined: none. */
function drop_key(session: EtcdSession, key: string): string | undefined {
  session.misplaced.delete(key);
  const { name } = place_of_key(session.prefix, key);
  const own = name === undefined ? undefined : session.entries.get(name);
  if (name === undefined || own === undefined || !own.has(key)) return undefined;
  own.delete(key);
  session.count -= 1;
  if (next(own)[0] === undefined) session.entries.delete(name);
  return name;
}

/** Lists all keys and applies them. Returns the cause of a failure. */
function list(session: EtcdSession): string | undefined {
  const [listing, cause] = list_keys(session.client, session.prefix.before, MOST_KEYS);
  if (listing === undefined) return cause;
  const pause = new_pause();
  session.entries = new LuaTable();
  session.misplaced = new LuaTable();
  session.count = 0;
  for (const { key, value } of listing.keys) {
    put_key(session, key, value);
    pause();
  }
  session.listed = listing.revision;
  session.seen = math.max(session.seen, listing.revision);
  const groups: Groups = new LuaTable();
  for (const name of keys_of(session.entries)) {
    groups.set(name, entries_of(session, name));
    pause();
  }
  take_all(session.memory, groups, session.misplaced, string.format("%d", listing.revision));
  return undefined;
}

/** Applies events. Returns the cause of a failure. */
function apply_events(session: EtcdSession, events: readonly KeyEvent[]): string | undefined {
  if (events.length === 0) return undefined;
  const { memory, prefix } = session;
  if (memory.feed.failures > 0) note_success(memory.feed);
  const pause = new_pause();
  const names = new LuaSet<string>();
  for (const { key, value, revision } of events) {
    session.seen = math.max(session.seen, revision);
    const is_own = string.sub(key, 1, prefix.before.length) === prefix.before;
    if (revision > session.listed && is_own) {
      const name = value === undefined ? drop_key(session, key) : put_key(session, key, value);
      if (name !== undefined) names.add(name);
    }
    pause();
  }
  if (session.count > MOST_KEYS) return too_many_keys(MOST_KEYS);
  const changed: Groups = new LuaTable();
  const all: string[] = [];
  for (const name of names) {
    all.push(name);
    changed.set(name, entries_of(session, name));
  }
  take_some(memory, changed, all, string.format("%d", session.seen));
  return undefined;
}

/** Watches the prefix from the listing on. Returns the cause of a failure. */
function watch(session: EtcdSession): string | undefined {
  const { client, prefix, listed } = session;
  const [stream, cause] = open_watch(client, covering_range([prefix.before]), listed + 1);
  session.stream = stream;
  if (stream === undefined) return cause;
  // The first message tells whether the user has permission to watch.
  const [events, refused] = next_events(stream, LOOK_SECONDS);
  return events === undefined ? refused : apply_events(session, events);
}

/** Lists the keys if something waits, and checks the member. Returns the cause of a failure. */
function check(session: EtcdSession): string | undefined {
  const { memory, client, prefix } = session;
  session.checked = clock.now();
  if (!is_settled(memory)) {
    const cause = list(session);
    if (cause !== undefined) return cause;
  }
  const [alive, cause] = is_alive(client, prefix.before);
  if (alive !== undefined) note_success(memory.feed);
  return cause;
}

/** Begins a watch, checks the member, or takes the next events. Returns the cause of a failure. */
function step(session: EtcdSession): string | undefined {
  const { memory } = session;
  if (session.stream === undefined) {
    const cause = list(session) ?? watch(session);
    if (cause !== undefined || session.stream === undefined) return cause;
    note_opened(memory.feed);
    session.checked = clock.now();
  }
  keep_up(memory);
  const left = session.checked + CHECK_SECONDS - clock.now();
  if (left <= 0) return check(session);
  const [events, cause] = next_events(session.stream, math.min(left, WAIT_SECONDS));
  return events === undefined ? cause : apply_events(session, events);
}

/** Follows the keys of all upstreams of a template. */
export function etcd(this: void, memory: Memory): string | undefined {
  const { feed, template } = memory;
  const config = template.etcd as EtcdTemplateConfig;
  const client = new_etcd_client(config, feed.attempts, "etcd template", () => is_closed(feed));
  const [logged_in, refused] = log_in(client);
  if (logged_in === undefined) return refused;
  const session: EtcdSession = {
    memory,
    client,
    prefix: parse_key_prefix(config.prefix)[0] as KeyPrefix,
    entries: new LuaTable(),
    misplaced: new LuaTable(),
    count: 0,
    stream: undefined,
    listed: 0,
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
