import { GUARD_DEFAULTS, source_of } from "../config/discovery";
import { crc32 } from "../lib/crc32";
import { encode } from "../lib/json";
import { parse_head, type Document } from "../store/document/document";
import { hosts_of, type HostRecord } from "../store/document/host";
import { mark_of_host, type SourceMark } from "../store/document/line";
import { follow_upstreams, new_follower, type Pause } from "../store/memory/changes";
import { get_text } from "../store/memory/dict";
import { row_at, stamp_of } from "../store/memory/region";
import { begin_template_reports, source_reports } from "../store/source_status";
import { new_guard, type GuardLimits } from "./guard";
import type { HostConfig } from "./host_name";
import type { Feed, FeedSource, Subscription } from "./source";
import { SOURCES } from "./sources";
import { forget_feed, is_needed, report, source_report_name } from "./status";
import { reapply } from "./subscription";
import { current_template, TEMPLATE_FEED } from "./template/current";

/** The upstreams that follow a registry or host names. Each feed belongs to one worker. */

/** What an upstream follows: its registry, or the host name of one of its servers. */
interface Followed {
  source: FeedSource;
  mark: SourceMark;
  config: object;
  limits: GuardLimits;
  /** The configuration as text, to find changes. */
  text: string;
}

interface Known {
  text: string;
  subscription: Subscription;
}

/** The feeds of this worker, by key. */
export const feeds = new LuaTable<string, Feed | undefined>();
/** What is followed by upstream and mark. */
const known = new LuaTable<string, LuaTable<string, Known | undefined>>();
const follower = new_follower();

function is_mine(key: string): boolean {
  return crc32(key) % ngx.worker.count() === ngx.worker.id();
}

function feed_of(key: string, source: FeedSource): Feed {
  let feed = feeds.get(key);
  if (feed === undefined) {
    feed = {
      key,
      source,
      subscriptions: new LuaTable(),
      changes: 0,
      is_lasting: false,
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

function unsubscribe({ name, feed }: Subscription): void {
  feed.subscriptions.delete(name);
  feed.changes += 1;
  // A later feed with the same key begins its own session and does not wait for the end of this one.
  if (is_needed(feed)) return;
  feeds.delete(feed.key);
  forget_feed(feed);
}

/** Follows a source, if it is this worker's. */
function subscribe(name: string, head: Document, followed: Followed): Known | undefined {
  const { source, mark, config, limits, text } = followed;
  const key = SOURCES[source].key_of(name, config);
  if (!is_mine(key)) return undefined;
  const feed = feed_of(key, source);
  const subscription: Subscription = {
    name,
    config,
    limits,
    mark,
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
  report(subscription, {
    error: undefined,
    skipped: [],
    reason: undefined,
    pending: [],
    servers: 0,
    down: 0,
  });
  return { text, subscription };
}

function host_followed(host: HostRecord, { resolver, discovery }: Document): Followed {
  const config: HostConfig = { server: host.server, host, resolver };
  const limits = discovery ?? GUARD_DEFAULTS;
  return { source: "resolve", mark: mark_of_host(host.id), config, limits, text: encode([config, limits]) };
}

/** Returns what an upstream follows. */
function all_followed(head: Document | undefined): Followed[] {
  const all: Followed[] = [];
  if (head === undefined) return all;
  const { discovery } = head;
  const source = source_of(discovery);
  if (discovery !== undefined && source !== undefined) {
    const config = discovery[source] as object;
    all.push({ source, mark: "discovery", config, limits: discovery, text: encode(discovery) });
  }
  for (const host of hosts_of(head)) all.push(host_followed(host, head));
  return all;
}

function follow_upstream(name: string): void {
  const text = get_text(name);
  const may_follow =
    text !== undefined &&
    (string.find(text, '"discovery":', 1, true)[0] !== undefined ||
      string.find(text, '"hosts":', 1, true)[0] !== undefined);
  const head = may_follow ? parse_head(text)[0] : undefined;
  const before = known.get(name) ?? new LuaTable<string, Known | undefined>();
  const after = new LuaTable<string, Known | undefined>();
  const added: Followed[] = [];
  const wanted = new LuaSet<string>();
  for (const followed of all_followed(head)) {
    const old = before.get(followed.mark);
    wanted.add(followed.mark);
    if (old?.text === followed.text && old.subscription.stamp === stamp_of((head as Document).row))
      after.set(followed.mark, old);
    else added.push(followed);
  }
  for (const [mark, old] of pairs(before)) {
    if (old !== undefined && after.get(mark) !== old) {
      if (!wanted.has(mark)) source_reports.forget(source_report_name(name, old.subscription.mark));
      unsubscribe(old.subscription);
    }
  }
  known.set(name, after);
  for (const followed of added) after.set(followed.mark, subscribe(name, head as Document, followed));
  if (next(after)[0] === undefined) known.delete(name);
  for (const [, one] of pairs(after)) {
    if (one !== undefined && before.get(one.subscription.mark) === one) reapply(one.subscription);
  }
}

/** Follows the registry of the template, if it is this worker's. Phase: init_worker_by_lua. */
export function follow_template(): void {
  const registry = current_template();
  if (registry === undefined || !is_mine(TEMPLATE_FEED)) return;
  const { etcd, consul, docker } = registry;
  begin_template_reports(string.format("%d", ngx.crc32_long(encode({ etcd, consul, docker }))));
  feed_of(TEMPLATE_FEED, "template").is_lasting = true;
}

/** Takes over the changes of upstreams since the last call. Phases that can sleep. */
export function follow_changes(pause: Pause): void {
  follow_upstreams(follower, known, follow_upstream, pause);
}
