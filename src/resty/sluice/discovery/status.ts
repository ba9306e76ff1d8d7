import * as clock from "../lib/clock";
import { encode, list, shape, shaped } from "../lib/json";
import type { Misfit } from "../store/document/sourced";
import {
  forget_feed_report,
  PENDING,
  put_feed_report,
  put_source_report,
  SKIPPED_ENTRY,
} from "../store/source_status";
import type { Feed, Subscription } from "./source";

/** The status of sources, which the API shows. */

/** The result of applying an answer. */
export interface Report {
  /** Why the answer could not be applied; undefined: it was. */
  error: string | undefined;
  /** Entries that cannot be used as servers. */
  skipped: Misfit[];
  /** Why servers are kept that the registry does not name any more; undefined: none is kept. */
  reason: string | undefined;
  /** The addresses of these servers. */
  pending: string[];
  /** Number of servers in the answer. */
  servers: number;
}

const MOST_SHOWN = 20;
const REPORT = shape([
  "source",
  "feed",
  "error",
  "revision",
  "servers",
  "skipped",
  "skipped_count",
  "pending",
]);
const FEED = shape(["last_success", "error"]);

function some<T, U>(items: readonly T[], shown: (this: void, item: T) => U): U[] {
  const first: U[] = [];
  for (const index of $range(0, math.min(MOST_SHOWN, items.length) - 1)) first.push(shown(items[index]));
  return list(first);
}

function pending_object(subscription: Subscription, { reason, pending }: Report): object | undefined {
  if (reason === undefined) return undefined;
  return shaped(
    {
      reason,
      count: pending.length,
      confirmations: subscription.guard.equal,
      servers: some(pending, (server) => server),
    },
    PENDING,
  );
}

function feed_number(feed: Feed): number {
  return ngx.crc32_long(feed.key);
}

/** Publishes the result of the last answer for an upstream. */
export function report(subscription: Subscription, what: Report): void {
  if (subscription.feed.subscriptions.get(subscription.name) !== subscription) return;
  const { error, skipped, servers } = what;
  const { name, feed, registry_revision } = subscription;
  const object = {
    source: feed.source,
    feed: feed_number(feed),
    error,
    revision: registry_revision === "" ? undefined : registry_revision,
    servers,
    skipped: some(skipped, ({ server, reason }) => shaped({ entry: server, reason }, SKIPPED_ENTRY)),
    skipped_count: skipped.length,
    pending: pending_object(subscription, what),
  };
  const text = encode(shaped(object, REPORT));
  if (text === subscription.report) return;
  subscription.report = text;
  put_source_report(name, text);
}

/** Publishes the state of a feed. `error`: why the last session failed; undefined: it answers. */
export function report_feed(feed: Feed, error: string | undefined): void {
  if (next(feed.subscriptions)[0] === undefined) return;
  if (error === undefined) feed.last_success = clock.now();
  put_feed_report(feed_number(feed), encode(shaped({ last_success: feed.last_success, error }, FEED)));
}

/** Removes the state of a feed that has no subscription any more. */
export function forget_feed(feed: Feed): void {
  forget_feed_report(feed_number(feed));
}
