import { decode, shape } from "../lib/json";
import { delete_report, get_report, put_report } from "./dict";

/** What is known of sources: of each upstream's, and of each feed that several may share. Any worker may be asked. */

/** How a feed is. */
export interface FeedReport {
  /** When the registry last answered, by the monotonic clock; absent: never. */
  last_success?: number | undefined;
  /** Why the last session ended; absent: it goes on. */
  error?: string | undefined;
  /** Since when it has answered without a failure, by the monotonic clock. */
  since?: number | undefined;
}

/** A server that the registry names and that cannot be, or that waits. */
export interface SkippedEntry {
  entry: string;
  reason: string;
}

/** What the source of an upstream says, as far as it is known. */
export interface SourceReport {
  source: string;
  /** The number of its feed. */
  feed: number;
  /** Why its answer could not be made the upstream's servers. */
  error?: string | undefined;
  revision?: string | undefined;
  servers: number;
  skipped: SkippedEntry[];
  skipped_count: number;
  pending?: { reason: string; count: number; confirmations: number; servers: string[] } | undefined;
}

/** Their members, in the order in which they are shown and stored. */
export const SKIPPED_ENTRY = shape(["entry", "reason"]);
export const PENDING = shape(["reason", "count", "confirmations", "servers"]);

function decoded(text: string | undefined): unknown {
  return text === undefined ? undefined : decode(text)[0];
}

/** Notes what an upstream's source says, as JSON. Any phase. */
export function put_source_report(name: string, text: string): void {
  put_report(`source:${name}`, text);
}

/** What the source of an upstream says; undefined: nothing yet. Any phase. */
export function source_report(name: string): SourceReport | undefined {
  return decoded(get_report(`source:${name}`)) as SourceReport | undefined;
}

/** Forgets it. Any phase. */
export function forget_source_report(name: string): void {
  delete_report(`source:${name}`);
}

/** Notes how a feed is, as JSON. Any phase. */
export function put_feed_report(feed: number, text: string): void {
  put_report(`feed:${string.format("%d", feed)}`, text);
}

/** Forgets it. Any phase. */
export function forget_feed_report(feed: number): void {
  delete_report(`feed:${string.format("%d", feed)}`);
}

/** Notes how the etcd is by which gateways share their upstreams, as JSON. Any phase. */
export function put_cluster_report(text: string): void {
  put_report("cluster", text);
}

/** How that is; undefined: nothing is known yet. Any phase. */
export function cluster_report(): FeedReport | undefined {
  return decoded(get_report("cluster")) as FeedReport | undefined;
}

/** How a feed is; undefined: nothing is known yet. Any phase. */
export function feed_report(feed: number): FeedReport | undefined {
  return decoded(get_report(`feed:${string.format("%d", feed)}`)) as FeedReport | undefined;
}
