import type { AddressFamily, KubernetesConfig } from "../config/sources/kubernetes";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { backoff } from "../net/backoff";
import { new_kubernetes_client, type KubernetesClient } from "../net/kubernetes/client";
import { first_family } from "../net/kubernetes/service";
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
import { is_dual_stack, merge_slices, read_slice, type SliceEntries } from "./endpoint_slice";
import { CONFIRM_SECONDS, type Feed, type Source, type Subscription } from "./source";
import {
  answer,
  config_of,
  is_closed,
  note_opened,
  note_success,
  only_subscription,
  run_session,
} from "./subscription";

/** Kubernetes: the EndpointSlices of a service, listed and then watched. */

interface Session {
  feed: Feed;
  subscription: Subscription;
  client: KubernetesClient;
  port: string | number | undefined;
  /** `IPv4` or `IPv6`; undefined: not known, and not needed while the slices are of one family. */
  family: string | undefined;
  /** By name. */
  slices: LuaTable<string, SliceEntries>;
  /** The API's version of `slices`; "": they are to be listed. */
  version: string;
  stream: Stream | undefined;
  /** When the last attempt to watch began, and when its watch was opened. */
  began: number;
  opened: number;
  /** How many watches and lists in a row have ended without having brought anything. */
  setbacks: number;
  /** Whether there is something that the upstream has not got, and when it got something last. */
  is_changed: boolean;
  told: number;
}

/** Bounds of the time from one attempt to watch to the next, in seconds; it doubles with each further setback. */
const SHORTEST_WATCH = 0.5;
const LONGEST_WATCH = 2;
/** One more is a failure. An API server that restarts, or has compacted its history, causes one or two. */
const MOST_SETBACKS = 3;
/** A watch that has lasted for so many seconds works, though nothing has changed meanwhile. */
const PROVEN_SECONDS = 1;
/** What an API server may need to end a watch whose time is over. */
const GRACE_SECONDS = 10;

const FAMILIES: Record<AddressFamily, string> = { ipv4: "IPv4", ipv6: "IPv6" };

/** Gives the upstream the servers of all slices. Returns the cause when it fails. */
function tell(session: Session): string | undefined {
  const { subscription, client, slices, port, version } = session;
  if (session.family === undefined && is_dual_stack(slices)) {
    const [family, cause] = first_family(client);
    if (family === undefined) return `could not read the service: ${cause ?? ""}`;
    session.family = family;
  }
  session.is_changed = false;
  session.told = clock.now();
  answer(subscription, merge_slices(slices, port, session.family), version);
  return undefined;
}

/** Lists all slices. Returns the cause when it fails. */
function list(session: Session): string | undefined {
  const [all, cause] = list_slices(session.client);
  if (all === undefined) return cause;
  session.slices = new LuaTable();
  session.version = all.version;
  for (const slice of all.slices)
    session.slices.set(metadata_of(slice, "name"), read_slice(slice, session.port));
  return tell(session);
}

/** Begins a watch, behind a list if that is needed. Returns the cause when it fails. */
function begin(session: Session): string | undefined {
  const pause = backoff(math.max(0, session.setbacks - 1), SHORTEST_WATCH, LONGEST_WATCH);
  sleep_until(session.began + pause, session.client.is_over);
  session.began = clock.now();
  if (session.version === "") {
    const cause = list(session);
    if (cause !== undefined) return cause;
  }
  const [stream, cause] = watch_slices(session.client, session.version);
  session.stream = stream;
  session.opened = clock.now();
  if (stream !== undefined) note_opened(session.feed);
  return cause;
}

function stop_watching(session: Session): void {
  if (session.stream !== undefined) close_stream(session.stream);
  session.stream = undefined;
}

/**
 * Has the next turn begin a watch. Returns the cause when this one has failed, or one after the other brings
 * nothing.
 */
function end_watch(session: Session, cause: string): string | undefined {
  stop_watching(session);
  if (is_expired(cause)) session.version = "";
  else if (cause !== ENDED) return cause;
  session.setbacks += 1;
  return session.setbacks > MOST_SETBACKS ? cause : undefined;
}

/** Notes that the watch works. */
function note_working(session: Session): void {
  session.setbacks = 0;
  note_success(session.feed);
}

function apply_event(session: Session, { kind, slice, version }: SliceEvent): void {
  const name = metadata_of(slice, "name");
  session.version = version;
  note_working(session);
  if (kind === "BOOKMARK") return;
  session.is_changed = true;
  if (kind === "DELETED") session.slices.delete(name);
  else session.slices.set(name, read_slice(slice, session.port));
}

/** Does what is due when nothing comes. Returns the cause when it fails. */
function rest(session: Session): string | undefined {
  const { opened, setbacks, feed } = session;
  const is_proven = clock.now() >= opened + PROVEN_SECONDS;
  if (is_proven && (setbacks > 0 || feed.failures > 0)) note_working(session);
  if (session.is_changed) return tell(session);
  if (!session.subscription.is_settled && clock.now() >= session.told + CONFIRM_SECONDS) {
    stop_watching(session);
    session.version = "";
  }
  return undefined;
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
  if (!is_quiet(cause)) {
    const untold = session.is_changed ? tell(session) : undefined;
    return untold ?? end_watch(session, cause ?? ENDED);
  }
  const failed = rest(session);
  if (failed !== undefined) return failed;
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
    family: place.family === undefined ? undefined : FAMILIES[place.family],
    slices: new LuaTable(),
    version: "",
    stream: undefined,
    began: 0,
    opened: 0,
    setbacks: 0,
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
