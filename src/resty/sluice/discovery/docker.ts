import type { DockerConfig } from "../config/sources/docker";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { new_pause } from "../lib/pause";
import {
  greet_engine,
  list_containers,
  new_docker_client,
  type Container,
  type DockerClient,
} from "../net/docker/engine";
import { next_container_event, watch_containers, type ContainerEvent } from "../net/docker/events";
import { ENDED } from "../net/lines";
import { is_quiet, type Stream } from "../net/stream";
import { LOOK_SECONDS } from "../net/wait";
import { entries_by_upstream } from "./docker_labels";
import { config_of, is_closed, note_opened, note_success, run_session, stop_watching } from "./session";
import { CONFIRM_SECONDS, type Entry, type Feed, type Source, type Subscription } from "./source";
import { answer } from "./subscription";

/**
 * Docker: the running containers of an engine, which are listed again after each event. All upstreams that
 * follow the same engine share one stream of events.
 */

interface EngineSession {
  feed: Feed;
  client: DockerClient;
  /** The feed's `changes` when the containers were last applied. */
  changes: number;
  stream: Stream | undefined;
  /** When the stream was opened, and when the containers were last listed, by the monotonic clock. */
  opened: number;
  listed: number;
  /** When the next list is due. */
  due: number;
  /** The last event has this time; `undefined`: the list after it shows its effect. */
  changed: number | undefined;
  /** The ids of containers that have ended since they were listed. */
  ended: LuaSet<string>;
  /** The entries that were applied, as text. */
  applied: LuaTable<Subscription, string | undefined>;
}

/** Events within this time are applied together, in seconds. */
const GATHER_SECONDS = 0.05;
/** Shortest time from one list to the next. */
const SPACING_SECONDS = 0.25;
/**
 * Time from the last event to the list that shows its effect: the engine reports the end and the pause of a
 * container before its own list has it.
 */
const SETTLE_SECONDS = 1;
/** Longest time between two lists. The next one proves that the engine still answers. */
const CHECK_SECONDS = 15;
/** A stream that lasts this long counts as working, even if it has delivered nothing. */
const PROVEN_SECONDS = 1;

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

/** Applies the containers to those upstreams for which they have changed, or whose last answer waits. */
function apply_containers(session: EngineSession, containers: readonly Container[]): void {
  const { feed, applied: before } = session;
  session.changes = feed.changes;
  session.applied = new LuaTable();
  const known = new LuaTable<string, LuaTable<string, Entry[] | undefined>>();
  const subscriptions: Subscription[] = [];
  for (const [, subscription] of pairs(feed.subscriptions)) subscriptions.push(subscription);
  for (const subscription of subscriptions) {
    const entries = entries_of(subscription, containers, known);
    const text = encode(entries);
    session.applied.set(subscription, text);
    if (before.get(subscription) !== text || !subscription.is_settled) answer(subscription, entries, "");
  }
}

/** Returns the containers that have not ended, and forgets those that the list no longer has. */
function living(session: EngineSession, containers: readonly Container[]): Container[] {
  const { ended } = session;
  const listed_ended = new LuaSet<string>();
  const alive: Container[] = [];
  for (const container of containers) {
    const { Id: id = "" } = container;
    if (ended.has(id)) listed_ended.add(id);
    else alive.push(container);
  }
  session.ended = listed_ended;
  return alive;
}

/** Returns when the containers must be listed again. */
function next_list({ feed, listed, changed }: EngineSession): number {
  let due = listed + CHECK_SECONDS;
  if (changed !== undefined) due = math.max(changed + SETTLE_SECONDS, listed + SPACING_SECONDS);
  for (const [, { is_settled }] of pairs(feed.subscriptions)) {
    if (!is_settled) due = math.min(due, listed + CONFIRM_SECONDS);
  }
  return due;
}

/** Lists the containers and applies them. Returns the cause of a failure. */
function list(session: EngineSession): string | undefined {
  const { client, changed } = session;
  const began = clock.now();
  const [containers, cause] = list_containers(client);
  if (containers === undefined) return cause;
  session.listed = began;
  if (changed !== undefined && began >= changed + SETTLE_SECONDS) session.changed = undefined;
  apply_containers(session, living(session, containers));
  note_opened(session.feed);
  session.due = next_list(session);
  return undefined;
}

/** Watches the events, before the first list, so that it misses none. Returns the cause of a failure. */
function begin_watch(session: EngineSession): string | undefined {
  const [greeted, unknown] = greet_engine(session.client);
  if (greeted === undefined) return unknown;
  const [stream, cause] = watch_containers(session.client);
  session.stream = stream;
  session.opened = clock.now();
  session.due = session.opened;
  session.ended = new LuaSet();
  return cause;
}

/** Ends a watch. Returns the cause of a failure; a stream that has lasted may end and is opened again. */
function end_watch(session: EngineSession, cause: string): string | undefined {
  stop_watching(session);
  return cause === ENDED && clock.now() >= session.opened + PROVEN_SECONDS ? undefined : cause;
}

function note_event(session: EngineSession, { action, id }: ContainerEvent): void {
  if (session.feed.failures > 0) note_success(session.feed);
  if (action === "") return;
  const now = clock.now();
  session.changed = now;
  session.due = math.min(session.due, math.max(now + GATHER_SECONDS, session.listed + SPACING_SECONDS));
  if (action === "die") session.ended.add(id);
  else if (action === "start") session.ended.delete(id);
}

/** Begins a watch, lists the containers, or takes the next event. Returns the cause of a failure. */
function step(session: EngineSession): string | undefined {
  const { feed, stream } = session;
  if (stream === undefined) return begin_watch(session);
  const left = session.due - clock.now();
  if (left <= 0 || session.changes !== feed.changes) return list(session);
  const [event, cause] = next_container_event(stream, math.min(left, LOOK_SECONDS));
  if (event !== undefined) note_event(session, event);
  else if (!is_quiet(cause)) return end_watch(session, cause ?? ENDED);
  else if (feed.failures > 0 && clock.now() >= session.opened + PROVEN_SECONDS) note_success(feed);
  return undefined;
}

function follow(this: void, feed: Feed): string | undefined {
  const [, first] = next(feed.subscriptions);
  const { endpoint, tls } = config_of<DockerConfig>(first as Subscription);
  const session: EngineSession = {
    feed,
    client: new_docker_client(endpoint, tls?.verify ?? true, "docker", () => is_closed(feed)),
    changes: -1,
    stream: undefined,
    opened: 0,
    listed: 0,
    due: 0,
    changed: undefined,
    ended: new LuaSet(),
    applied: new LuaTable(),
  };
  return run_session(feed, {
    step: () => step(session),
    close: () => {
      stop_watching(session);
    },
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
