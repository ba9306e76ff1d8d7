import type { DockerConfig } from "../config/sources/docker";
import { encode } from "../lib/json";
import { new_pause } from "../lib/pause";
import type { Container } from "../net/docker/engine";
import { follow_engine } from "./docker_engine";
import { entries_by_upstream } from "./docker_labels";
import { config_of } from "./session";
import type { Entry, Feed, Source, Subscription } from "./source";
import { answer } from "./subscription";

/** Docker: the running containers of an engine. All upstreams that follow the same engine share a session. */

/** Returns the entries of an upstream. `known`: those of all upstreams by network, which are read once. */
function entries_of(
  { name, config }: Subscription,
  containers: readonly Container[],
  known: LuaTable<string, LuaTable<string, Entry[] | undefined>>,
): Entry[] {
  const { network, upstream = name } = config as DockerConfig;
  const key = network ?? "";
  if (!known.has(key)) known.set(key, entries_by_upstream(containers, network, new_pause()));
  return known.get(key).get(upstream) ?? [];
}

/** What was applied to the upstreams of a feed. */
interface Applied {
  feed: Feed;
  /** The feed's `changes` at that time. */
  changes: number;
  /** The entries, as text. */
  texts: LuaTable<Subscription, string | undefined>;
}

/** Applies the containers to those upstreams for which they have changed, or whose last answer waits. */
function apply_containers(applied: Applied, containers: readonly Container[]): void {
  const { feed, texts: before } = applied;
  applied.changes = feed.changes;
  applied.texts = new LuaTable();
  const known = new LuaTable<string, LuaTable<string, Entry[] | undefined>>();
  const pause = new_pause();
  const subscriptions: Subscription[] = [];
  for (const [, subscription] of pairs(feed.subscriptions)) subscriptions.push(subscription);
  for (const subscription of subscriptions) {
    const entries = entries_of(subscription, containers, known);
    const text = encode(entries);
    applied.texts.set(subscription, text);
    if (before.get(subscription) !== text || !subscription.is_settled) answer(subscription, entries, "");
    pause();
  }
}

function are_settled({ subscriptions }: Feed): boolean {
  for (const [, { is_settled }] of pairs(subscriptions)) {
    if (!is_settled) return false;
  }
  return true;
}

function follow(this: void, feed: Feed): string | undefined {
  const [, first] = next(feed.subscriptions);
  const applied: Applied = { feed, changes: -1, texts: new LuaTable() };
  return follow_engine(config_of<DockerConfig>(first as Subscription), {
    feed,
    apply: (containers) => {
      apply_containers(applied, containers);
    },
    is_outdated: () => applied.changes !== feed.changes,
    is_settled: () => are_settled(feed),
  });
}

/** Follows the containers of an engine whose labels name one or several upstreams. */
export const docker: Source = {
  key_of: (_name, config) => {
    const { endpoint, tls } = config as DockerConfig;
    return encode(["docker", endpoint, tls?.verify ?? true]);
  },
  follow,
};
