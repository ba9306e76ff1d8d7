import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { internal_error } from "../lib/run";
import { note_recovery } from "../net/backoff";
import { close_stream, type Stream } from "../net/stream";
import { sleep_until } from "../net/wait";
import { is_over } from "../store/memory/generation";
import { SESSION_SECONDS, type Feed, type FeedSource, type Source, type Subscription } from "./source";
import { is_needed, report_feed } from "./status";
import { describe_template } from "./template/current";

/** The sessions in which sources follow registries. */

/** What a source does during a session. */
export interface Session {
  /** Asks or watches once. Returns the cause of a failure. Phases that can sleep. */
  step: (this: void) => string | undefined;
  /** Releases what the session holds open. */
  close?: ((this: void) => void) | undefined;
}

/** Returns the name of a feed in the log: its source and its upstreams. */
export function describe_feed({ source, subscriptions }: Feed): string {
  if (source === "template") return describe_template();
  const [first, subscription] = next(subscriptions);
  if (source === "resolve" && subscription !== undefined) {
    const { server } = config_of<{ server: string }>(subscription as Subscription);
    return `the host name ${server} of upstream ${first}`;
  }
  const [second] = next(subscriptions, first);
  return `${source} of upstream ${first ?? ""}${second === undefined ? "" : " and others"}`;
}

/** Tells whether a session must end because its feed has no subscription any more. */
export function is_closed(feed: Feed): boolean {
  return !is_needed(feed) || is_over();
}

/** Notes that the registry has answered, whether or not its answer has changed. */
export function note_success(feed: Feed): void {
  note_recovery(feed, describe_feed(feed));
  report_feed(feed, undefined);
}

/**
 * Notes that a watch was opened. After a failure this is no success yet: the watch may fail at once, and
 * would be opened again without a delay. `note_success` follows when it has delivered something, or has
 * lasted.
 */
export function note_opened(feed: Feed): void {
  if (feed.failures === 0) note_success(feed);
}

/** Sleeps between two questions to the registry, but not longer than the session is needed. */
export function rest(feed: Feed, seconds: number): void {
  sleep_until(clock.now() + seconds, () => is_closed(feed));
}

/**
 * Repeats the steps of a session until one fails, the feed is closed or the session has lasted for long
 * enough. Returns the cause of the failure. Phases that can sleep.
 */
export function run_session(feed: Feed, { step, close }: Session): string | undefined {
  const end = clock.now() + SESSION_SECONDS;
  let cause: string | undefined;
  while (cause === undefined && !is_closed(feed) && clock.now() < end) {
    const [returned, result] = pcall(step);
    cause = returned ? result : internal_error(result);
  }
  close?.();
  return cause;
}

/** Ends the watch of a session, if it has one. */
export function stop_watching(session: { stream: Stream | undefined }): void {
  if (session.stream !== undefined) close_stream(session.stream);
  session.stream = undefined;
}

/** Returns the source's part of an upstream's configuration. */
export function config_of<T>({ config }: Subscription): T {
  return config as T;
}

/** Makes a source that asks its registry for each upstream separately. */
export function source_per_upstream<T>(
  name: FeedSource,
  begin: (this: void, subscription: Subscription, config: T) => Session,
): Source {
  return {
    key_of: (upstream, config) => encode([name, upstream, config]),
    follow: (feed) => {
      const [, subscription] = next(feed.subscriptions);
      const only = subscription as Subscription;
      return run_session(feed, begin(only, config_of<T>(only)));
    },
  };
}
