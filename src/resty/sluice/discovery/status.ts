import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import type { Misfit } from "../store/document/sourced";
import type { SourceMark } from "../store/document/line";
import { feed_reports, host_report_name, source_reports, TEMPLATE_FEED_REPORT } from "../store/source_status";
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
  /** Number of servers in the answer, and of those that the registry has marked as down. */
  servers: number;
  down: number;
}

/** The number of entries and servers that a report names. */
export const MOST_SHOWN = 20;

function pending_object(subscription: Subscription, { reason, pending }: Report): object | undefined {
  if (reason === undefined) return undefined;
  const servers = pending.slice(0, MOST_SHOWN);
  return { reason, count: pending.length, confirmations: subscription.guard.equal, servers };
}

/** Returns the name of a feed's report. */
export function report_name({ key, source }: Feed): string {
  return source === "template" ? TEMPLATE_FEED_REPORT : string.format("%d", ngx.crc32_long(key));
}

/** Returns the name of the report of an upstream's source, or of its server with a host name. */
export function source_report_name(name: string, mark: SourceMark): string {
  return mark === "discovery" ? name : host_report_name(name, mark);
}

/** Publishes the result of the last answer for an upstream. */
export function report(subscription: Subscription, what: Report): void {
  if (subscription.feed.subscriptions.get(subscription.name) !== subscription) return;
  const { error, skipped, servers, down } = what;
  const { name, mark, feed, registry_revision } = subscription;
  const object = {
    source: feed.source,
    feed: report_name(feed),
    error,
    revision: registry_revision === "" ? undefined : registry_revision,
    servers,
    down: down === 0 ? undefined : down,
    skipped: skipped.slice(0, MOST_SHOWN).map(({ server, reason }) => ({ entry: server, reason })),
    skipped_count: skipped.length,
    pending: pending_object(subscription, what),
  };
  const text = encode(object);
  if (text === subscription.report) return;
  subscription.report = text;
  source_reports.put(source_report_name(name, mark), text);
}

/** Tells whether a feed must be followed. */
export function is_needed({ is_lasting, subscriptions }: Feed): boolean {
  return is_lasting || next(subscriptions)[0] !== undefined;
}

/** Publishes the state of a feed. `error`: why the last session failed; undefined: it answers. */
export function report_feed(feed: Feed, error: string | undefined): void {
  if (!is_needed(feed)) return;
  if (error === undefined) feed.last_success = clock.now();
  const { last_success, attempts } = feed;
  feed_reports.put(report_name(feed), encode({ last_success, error, failures: attempts }));
}

/** Removes the state of a feed that has no subscription any more. */
export function forget_feed(feed: Feed): void {
  feed_reports.forget(report_name(feed));
}
