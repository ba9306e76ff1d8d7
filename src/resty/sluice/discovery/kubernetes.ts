import type { KubernetesConfig } from "../config/sources/kubernetes";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { new_kubernetes_client, type KubernetesClient } from "../net/kubernetes/client";
import {
  is_expired,
  list_slices,
  metadata_of,
  next_event,
  watch_slices,
  WATCH_SECONDS,
  type SliceEvent,
} from "../net/kubernetes/slices";
import { ENDED } from "../net/lines";
import { close_stream, is_quiet, type Stream } from "../net/stream";
import { LOOK_SECONDS, sleep_until } from "../net/wait";
import { merge_slices, read_slice } from "./endpoint_slice";
import { CONFIRM_SECONDS, type Entry, type Feed, type Source, type Subscription } from "./source";
import { answer, config_of, is_closed, note_success, only_subscription, run_session } from "./subscription";

/** Kubernetes: the EndpointSlices of a service, listed and then watched. */

interface Session {
  feed: Feed;
  subscription: Subscription;
  client: KubernetesClient;
  port: string | number;
  /** By name. */
  slices: LuaTable<string, Entry[]>;
  /** The API's version of `slices`; "": they are to be listed. */
  version: string;
  stream: Stream | undefined;
  /** When it was opened, or was to be. */
  began: number;
  /** Whether there is something that the upstream has not got, and when it got something last. */
  is_changed: boolean;
  told: number;
}

/** From one watch, or one attempt, to the next. */
const SHORTEST_WATCH = 0.5;
/** What an API server may need to end a watch whose time is over. */
const GRACE_SECONDS = 10;

function tell(session: Session): void {
  const { subscription, slices, version } = session;
  session.is_changed = false;
  session.told = clock.now();
  answer(subscription, merge_slices(slices), version);
}

/** Lists all slices. Returns the cause when it fails. */
function list(session: Session): string | undefined {
  const [all, cause] = list_slices(session.client);
  if (all === undefined) return cause;
  session.slices = new LuaTable();
  session.version = all.version;
  for (const slice of all.slices)
    session.slices.set(metadata_of(slice, "name"), read_slice(slice, session.port));
  tell(session);
  return undefined;
}

/** Begins a watch, behind a list if that is needed. Returns the cause when it fails. */
function begin(session: Session): string | undefined {
  sleep_until(session.began + SHORTEST_WATCH, session.client.is_over);
  session.began = clock.now();
  if (session.version === "") {
    const cause = list(session);
    if (cause !== undefined) return cause;
  }
  const [stream, cause] = watch_slices(session.client, session.version);
  session.stream = stream;
  if (stream !== undefined) note_success(session.feed);
  return cause;
}

function stop_watching(session: Session): void {
  if (session.stream !== undefined) close_stream(session.stream);
  session.stream = undefined;
}

/** Has the next turn begin a watch. Returns the cause when this one has failed. */
function end_watch(session: Session, cause: string): string | undefined {
  stop_watching(session);
  if (is_expired(cause)) session.version = "";
  return cause === ENDED || is_expired(cause) ? undefined : cause;
}

function apply_event(session: Session, { kind, slice, version }: SliceEvent): void {
  const name = metadata_of(slice, "name");
  session.version = version;
  note_success(session.feed);
  if (kind === "BOOKMARK") return;
  session.is_changed = true;
  if (kind === "DELETED") session.slices.delete(name);
  else session.slices.set(name, read_slice(slice, session.port));
}

/** What is to be done when nothing comes. */
function rest(session: Session): void {
  if (session.is_changed) {
    tell(session);
  } else if (!session.subscription.is_settled && clock.now() >= session.told + CONFIRM_SECONDS) {
    stop_watching(session);
    session.version = "";
  }
}

/** One turn: whatever comes next. Returns the cause when something fails. */
function go_on(session: Session): string | undefined {
  if (session.stream === undefined) {
    const failed = begin(session);
    return failed === undefined ? undefined : end_watch(session, failed);
  }
  // What comes in several events at once, such as an endpoint that moves to another slice, is one change.
  const [event, cause] = next_event(session.stream, session.is_changed ? 0 : LOOK_SECONDS);
  if (event !== undefined) {
    apply_event(session, event);
    return undefined;
  }
  rest(session);
  if (!is_quiet(cause)) return end_watch(session, cause ?? ENDED);
  const is_late = clock.now() > session.began + WATCH_SECONDS + GRACE_SECONDS;
  return is_late ? "the watch does not end" : undefined;
}

function follow(this: void, feed: Feed): string | undefined {
  const subscription = only_subscription(feed);
  const place = config_of<KubernetesConfig>(subscription);
  const session: Session = {
    feed,
    subscription,
    client: new_kubernetes_client(place, `kubernetes ${subscription.name}`, () => is_closed(feed)),
    port: place.port,
    slices: new LuaTable(),
    version: "",
    stream: undefined,
    began: 0,
    is_changed: false,
    told: 0,
  };
  const cause = run_session(feed, () => go_on(session));
  stop_watching(session);
  return cause;
}

export const kubernetes: Source = {
  key_of: (name, config) => `kubernetes ${name} ${encode(config)}`,
  follow,
};
