import { source_of, type DiscoveryBlock, type SourceName } from "../config/discovery";
import { crc32 } from "../lib/crc32";
import { encode } from "../lib/json";
import { parse_head, type Document } from "../store/document/document";
import { follow_upstreams, new_follower, type Pause } from "../store/memory/changes";
import { get_text } from "../store/memory/dict";
import { row_at, stamp_of } from "../store/memory/region";
import { source_reports } from "../store/source_status";
import { new_guard } from "./guard";
import type { Feed, Subscription } from "./source";
import { SOURCES } from "./sources";
import { forget_feed, report } from "./status";
import { reapply } from "./subscription";

/** The upstreams that follow a registry. Each feed belongs to one worker. */

interface Known {
  /** The upstream's `discovery` as text, to find changes. */
  config: string;
  subscription: Subscription;
}

/** The feeds of this worker, by key. */
export const feeds = new LuaTable<string, Feed | undefined>();
const known = new LuaTable<string, Known | undefined>();
const follower = new_follower();

function is_mine(key: string): boolean {
  return crc32(key) % ngx.worker.count() === ngx.worker.id();
}

function feed_of(key: string, source: SourceName): Feed {
  let feed = feeds.get(key);
  if (feed === undefined) {
    feed = {
      key,
      source,
      subscriptions: new LuaTable(),
      changes: 0,
      is_busy: false,
      attempts: 0,
      failures: 0,
      not_before: 0,
      last_success: undefined,
    };
    feeds.set(key, feed);
  }
  return feed;
}

function unsubscribe(name: string): void {
  const before = known.get(name);
  if (before === undefined) return;
  const { feed } = before.subscription;
  known.delete(name);
  feed.subscriptions.delete(name);
  feed.changes += 1;
  // A later feed with the same key begins its own session and does not wait for the end of this one.
  if (next(feed.subscriptions)[0] !== undefined) return;
  feeds.delete(feed.key);
  forget_feed(feed);
}

function subscribe(name: string, head: Document, source: SourceName, config: string): void {
  const discovery = head.discovery as DiscoveryBlock;
  const key = SOURCES[source].key_of(name, discovery[source] as object);
  if (!is_mine(key)) return;
  const feed = feed_of(key, source);
  const subscription: Subscription = {
    name,
    discovery,
    row: row_at(head.row),
    stamp: stamp_of(head.row),
    guard: new_guard(),
    feed,
    entries: undefined,
    is_applying: false,
    is_settled: true,
    revision: 0,
    registry_revision: "",
    addresses: new LuaTable(),
    earlier: undefined,
    report: "",
  };
  feed.subscriptions.set(name, subscription);
  feed.changes += 1;
  known.set(name, { config, subscription });
  report(subscription, { error: undefined, skipped: [], reason: undefined, pending: [], servers: 0 });
}

function follow_upstream(name: string): void {
  const text = get_text(name);
  const may_follow = text !== undefined && string.find(text, '"discovery":', 1, true)[0] !== undefined;
  const head = may_follow ? parse_head(text)[0] : undefined;
  const source = source_of(head?.discovery);
  const before = known.get(name);
  if (head === undefined || source === undefined) {
    if (before !== undefined) source_reports.forget(name);
    unsubscribe(name);
    return;
  }
  const config = encode(head.discovery);
  if (before?.config === config && before.subscription.stamp === stamp_of(head.row)) {
    reapply(before.subscription);
    return;
  }
  unsubscribe(name);
  subscribe(name, head, source, config);
}

/** Takes over the changes of upstreams since the last call. Phases that can sleep. */
export function follow_changes(pause: Pause): void {
  follow_upstreams(follower, known, follow_upstream, pause);
}
