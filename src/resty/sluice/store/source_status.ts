import { as_object, decode, shape } from "../lib/json";
import { is_clustered } from "./document/clustered";
import { delete_report, get_report, put_report } from "./memory/dict";

/** The status of upstreams' sources and of their feeds, which all workers can read. */

/** The status of a feed. */
export interface FeedReport {
  /** When the registry last answered, by the monotonic clock; absent: never. */
  last_success?: number | undefined;
  /** Why the last session ended; absent: it continues. */
  error?: string | undefined;
  /** Since when it has answered without a failure, by the monotonic clock. */
  since?: number | undefined;
}

/** A server of the registry that is skipped, or that waits. */
export interface SkippedEntry {
  entry: string;
  reason: string;
}

/** The status of an upstream's source. */
export interface SourceReport {
  source: string;
  /** The number of its feed. */
  feed: number;
  /** Why its answer could not be applied. */
  error?: string | undefined;
  revision?: string | undefined;
  servers: number;
  skipped: SkippedEntry[];
  skipped_count: number;
  pending?: { reason: string; count: number; confirmations: number; servers: string[] } | undefined;
}

/** The members, in the order in which they are shown and stored. */
export const SKIPPED_ENTRY = shape(["entry", "reason"]);
export const PENDING = shape(["reason", "count", "confirmations", "servers"]);

function decoded(text: string | undefined): unknown {
  return text === undefined ? undefined : decode(text)[0];
}

/** Keeps the status of an upstream's source, as JSON. Any phase. */
export function put_source_report(name: string, text: string): void {
  put_report(`source:${name}`, text);
}

/** Returns the status of an upstream's source; undefined: not known yet. Any phase. */
export function source_report(name: string): SourceReport | undefined {
  return decoded(get_report(`source:${name}`)) as SourceReport | undefined;
}

/** Forgets the status of an upstream's source. Any phase. */
export function forget_source_report(name: string): void {
  delete_report(`source:${name}`);
}

/** Keeps the status of a feed, as JSON. Any phase. */
export function put_feed_report(feed: number, text: string): void {
  put_report(`feed:${string.format("%d", feed)}`, text);
}

/** Forgets the status of a feed. Any phase. */
export function forget_feed_report(feed: number): void {
  delete_report(`feed:${string.format("%d", feed)}`);
}

/** The load of an upstream's servers, which determines their weights. */
export interface LoadReport {
  /** The median of the capacities: requests per second by load and configured weight. */
  median: number;
  /** By the ids of the servers, in digits. */
  capacities: Record<string, number | undefined>;
}

/** Keeps the load of an upstream's servers, as JSON. Any phase. */
export function put_load_report(name: string, text: string): void {
  put_report(`load:${name}`, text);
}

/** Returns the load of an upstream's servers; undefined: not known. Any phase. */
export function load_report(name: string): LoadReport | undefined {
  return decoded(get_report(`load:${name}`)) as LoadReport | undefined;
}

/** Forgets the load of an upstream's servers. Any phase. */
export function forget_load_report(name: string): void {
  delete_report(`load:${name}`);
}

/** Keeps the status of the shared etcd, as JSON. Any phase. */
export function put_cluster_report(text: string): void {
  put_report("cluster", text);
}

/** Returns the status of the shared etcd; undefined: not known yet. Any phase. */
export function cluster_report(): FeedReport | undefined {
  return decoded(get_report("cluster")) as FeedReport | undefined;
}

/** After so long without an answer from etcd, asked once a second, the others may soon miss changes. */
const LONGEST_SILENCE = 2.5;

/**
 * Returns why this gateway cannot reach the others now; undefined: it can, or it has no others. Any phase.
 */
export function why_cut_off(now: number): string | undefined {
  if (!is_clustered()) return undefined;
  const { last_success, error } = cluster_report() ?? {};
  if (last_success !== undefined && now - last_success < LONGEST_SILENCE) return undefined;
  return error ?? "etcd has not answered yet";
}

/** Returns the status of a feed; undefined: not known yet. Any phase. */
export function feed_report(feed: number): FeedReport | undefined {
  return decoded(get_report(`feed:${string.format("%d", feed)}`)) as FeedReport | undefined;
}

/** Why an upstream differs between this gateway and etcd. */
export interface ClusterProblem {
  error: string;
  /** etcd's revision of a value that is not an upstream; absent: the value is one. */
  junk?: number | undefined;
}

/** Keeps which upstreams differ from etcd, by name, as JSON; undefined: none. Any phase. */
export function put_cluster_problems(text: string | undefined): void {
  if (text === undefined) delete_report("cluster problems");
  else put_report("cluster problems", text);
}

/** Returns the upstreams that differ between this gateway and etcd, by name. Any phase. */
export function cluster_problems(): Record<string, ClusterProblem> {
  return as_object(decoded(get_report("cluster problems"))) as Record<string, ClusterProblem>;
}

/** Returns etcd's revision of a key's value that is known to be no upstream; 0: none. Any phase. */
export function junk_revision(name: string): number {
  return cluster_problems()[name]?.junk ?? 0;
}
