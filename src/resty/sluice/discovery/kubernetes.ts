import type { AddressFamily, KubernetesConfig } from "../config/sources/kubernetes";
import * as clock from "../lib/clock";
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
import { is_quiet, type Stream } from "../net/stream";
import { LOOK_SECONDS, sleep_until } from "../net/wait";
import { is_dual_stack, merge_slices, read_slice, type SliceEntries } from "./endpoint_slice";
import { is_closed, note_opened, note_success, source_per_upstream, stop_watching } from "./session";
import { CONFIRM_SECONDS, type Source, type Subscription } from "./source";
import { answer } from "./subscription";

/** Kubernetes: the EndpointSlices of a service, which are listed and then watched. */

interface SliceSession {
  subscription: Subscription;
  client: KubernetesClient;
  port: string | number | undefined;
  /** `IPv4` or `IPv6`; undefined: not known, and not needed while all slices have one family. */
  family: string | undefined;
  slices: LuaTable<string, SliceEntries>;
  /** The resource version of `slices`; "": the slices must be listed. */
  version: string;
  stream: Stream | undefined;
  /** When the last attempt to watch began, and when its watch was opened, by the monotonic clock. */
  began: number;
  opened: number;
  /** How many watches in a row have ended without delivering anything. */
  setbacks: number;
  /** True: the slices have changes that were not applied to the upstream yet. */
  is_changed: boolean;
  /** When the slices were last applied, by the monotonic clock. */
  applied: number;
}

/**
 * Bounds of the time from one attempt to watch to the next, in seconds; it doubles with each further setback.
 */
const SHORTEST_WATCH = 0.5;
const LONGEST_WATCH = 2;
/**
 * More setbacks are a failure. An API server that restarts, or has compacted its history, causes one or two.
 */
const MOST_SETBACKS = 3;
/** A watch that lasts this long, in seconds, counts as working, even if it has delivered nothing. */
const PROVEN_SECONDS = 1;
/** How long an API server may take to end a watch whose time is over, in seconds. */
const GRACE_SECONDS = 10;

const FAMILIES: Record<AddressFamily, string> = { ipv4: "IPv4", ipv6: "IPv6" };

/** Applies all slices to the upstream. Returns the cause of a failure. */
function apply_slices(session: SliceSession): string | undefined {
  const { subscription, client, slices, port, version } = session;
  if (session.family === undefined && is_dual_stack(slices)) {
    const [family, cause] = first_family(client);
    if (family === undefined) return `could not read the service: ${cause ?? ""}`;
    session.family = family;
  }
  session.is_changed = false;
  session.applied = clock.now();
  answer(subscription, merge_slices(slices, port, session.family), version);
  return undefined;
}

/** Lists all slices and applies them. Returns the cause of a failure. */
function list(session: SliceSession): string | undefined {
  const [all, cause] = list_slices(session.client);
  if (all === undefined) return cause;
  session.slices = new LuaTable();
  session.version = all.version;
  for (const slice of all.slices)
    session.slices.set(metadata_of(slice, "name"), read_slice(slice, session.port));
  return apply_slices(session);
}

/** Begins a watch, after a list if one is needed. Returns the cause of a failure. */
function begin_watch(session: SliceSession): string | undefined {
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
  if (stream !== undefined) note_opened(session.subscription.feed);
  return cause;
}

/** Ends a watch. Returns the cause of a failure, or of several watches that have delivered nothing. */
function end_watch(session: SliceSession, cause: string): string | undefined {
  stop_watching(session);
  if (is_expired(cause)) session.version = "";
  else if (cause !== ENDED) return cause;
  session.setbacks += 1;
  return session.setbacks > MOST_SETBACKS ? cause : undefined;
}

function note_working(session: SliceSession): void {
  session.setbacks = 0;
  note_success(session.subscription.feed);
}

function note_event(session: SliceSession, { kind, slice, version }: SliceEvent): void {
  const name = metadata_of(slice, "name");
  session.version = version;
  note_working(session);
  if (kind === "BOOKMARK") return;
  session.is_changed = true;
  if (kind === "DELETED") session.slices.delete(name);
  else session.slices.set(name, read_slice(slice, session.port));
}

/** Does the work that is due while the watch delivers nothing. Returns the cause of a failure. */
function use_silence(session: SliceSession): string | undefined {
  const { opened, setbacks, subscription } = session;
  const is_proven = clock.now() >= opened + PROVEN_SECONDS;
  if (is_proven && (setbacks > 0 || subscription.feed.failures > 0)) note_working(session);
  if (session.is_changed) return apply_slices(session);
  if (!subscription.is_settled && clock.now() >= session.applied + CONFIRM_SECONDS) {
    stop_watching(session);
    session.version = "";
  }
  return undefined;
}

/** Begins a watch, or takes the next event of the current one. Returns the cause of a failure. */
function watch(session: SliceSession): string | undefined {
  if (session.stream === undefined) {
    const failed = begin_watch(session);
    return failed === undefined ? undefined : end_watch(session, failed);
  }
  // Events that come together are one change, for example an endpoint that moves to another slice.
  const [event, cause] = next_event(session.stream, session.is_changed ? 0 : LOOK_SECONDS);
  if (event !== undefined) {
    note_event(session, event);
    return undefined;
  }
  if (!is_quiet(cause)) {
    const failed = session.is_changed ? apply_slices(session) : undefined;
    return failed ?? end_watch(session, cause ?? ENDED);
  }
  const failed = use_silence(session);
  if (failed !== undefined) return failed;
  const is_late = clock.now() > session.began + WATCH_SECONDS + GRACE_SECONDS;
  return is_late ? "the API server does not end the watch after its timeout" : undefined;
}

/** Follows the EndpointSlices of a service. */
export const kubernetes: Source = source_per_upstream<KubernetesConfig>(
  "kubernetes",
  (subscription, config) => {
    const { port, family } = config;
    const session: SliceSession = {
      subscription,
      client: new_kubernetes_client(config, `kubernetes ${subscription.name}`, () =>
        is_closed(subscription.feed),
      ),
      port,
      family: family === undefined ? undefined : FAMILIES[family],
      slices: new LuaTable(),
      version: "",
      stream: undefined,
      began: 0,
      opened: 0,
      setbacks: 0,
      is_changed: false,
      applied: 0,
    };
    return {
      step: () => watch(session),
      close: () => {
        stop_watching(session);
      },
    };
  },
);
