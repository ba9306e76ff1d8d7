import type { DockerConfig } from "../config/sources/docker";
import * as clock from "../lib/clock";
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
import { is_closed, note_opened, note_success, run_session, stop_watching } from "./session";
import { CONFIRM_SECONDS, type Feed } from "./source";

/** The running containers of a Docker engine, which are listed again after each event. */

/** What is done with the containers of an engine. */
export interface ContainersReader {
  feed: Feed;
  /** Applies the containers. */
  apply: (this: void, containers: readonly Container[]) => void;
  /** Returns whether they must be listed again because of a change of the upstreams. Called often. */
  is_outdated: (this: void) => boolean;
  /** Returns whether no answer waits for confirmation. */
  is_settled: (this: void) => boolean;
}

type EnginePlace = Pick<DockerConfig, "endpoint" | "tls">;

interface EngineSession {
  reader: ContainersReader;
  feed: Feed;
  client: DockerClient;
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

/** Returns when the containers must be listed again after a list. */
function next_list({ listed, changed }: EngineSession): number {
  if (changed === undefined) return listed + CHECK_SECONDS;
  return math.max(changed + SETTLE_SECONDS, listed + SPACING_SECONDS);
}

/** Returns when the containers must be listed again, earlier if an answer waits. */
function due_of({ reader, due, listed }: EngineSession): number {
  return reader.is_settled() ? due : math.min(due, listed + CONFIRM_SECONDS);
}

/** Lists the containers and applies them. Returns the cause of a failure. */
function list(session: EngineSession): string | undefined {
  const { client, changed } = session;
  const began = clock.now();
  const [containers, cause] = list_containers(client);
  if (containers === undefined) return cause;
  session.listed = began;
  if (changed !== undefined && began >= changed + SETTLE_SECONDS) session.changed = undefined;
  session.reader.apply(living(session, containers));
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
  const { feed, stream, reader } = session;
  if (stream === undefined) return begin_watch(session);
  if (reader.is_outdated()) session.due = math.min(session.due, session.listed + SPACING_SECONDS);
  const left = due_of(session) - clock.now();
  if (left <= 0) return list(session);
  const [event, cause] = next_container_event(stream, math.min(left, LOOK_SECONDS));
  if (event !== undefined) note_event(session, event);
  else if (!is_quiet(cause)) return end_watch(session, cause ?? ENDED);
  else if (feed.failures > 0 && clock.now() >= session.opened + PROVEN_SECONDS) note_success(feed);
  return undefined;
}

/** Follows the containers of an engine as `Source.follow` does, with `reader` in place of `answer`. */
export function follow_engine({ endpoint, tls }: EnginePlace, reader: ContainersReader): string | undefined {
  const { feed } = reader;
  const session: EngineSession = {
    reader,
    feed,
    client: new_docker_client(endpoint, tls?.verify ?? true, feed.source, () => is_closed(feed)),
    stream: undefined,
    opened: 0,
    listed: 0,
    due: 0,
    changed: undefined,
    ended: new LuaSet(),
  };
  return run_session(feed, {
    step: () => step(session),
    close: () => {
      stop_watching(session);
    },
  });
}
