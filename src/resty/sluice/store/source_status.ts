import { as_object, decode, shape } from "../lib/json";
import { is_clustered } from "./document/clustered";
import { delete_report, get_report, put_report } from "./memory/dict";

/**
 * What is known of sources: of each upstream's, and of each feed that several may share. Any worker may be
 * asked.
 */

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

/** What the weights of an upstream's servers come from, as far as their loads are known. */
export interface LoadReport {
  /** Of the capacities: requests per second by load and configured weight. */
  median: number;
  /** By the ids of the servers, in digits. */
  capacities: Record<string, number | undefined>;
}

/** Notes what weights come from, as JSON. Any phase. */
export function put_load_report(name: string, text: string): void {
  put_report(`load:${name}`, text);
}

/** What the weights of an upstream's servers come from; undefined: no load is known. Any phase. */
export function load_report(name: string): LoadReport | undefined {
  return decoded(get_report(`load:${name}`)) as LoadReport | undefined;
}

/** Forgets it. Any phase. */
export function forget_load_report(name: string): void {
  delete_report(`load:${name}`);
}

/** Notes how the etcd is by which gateways share their upstreams, as JSON. Any phase. */
export function put_cluster_report(text: string): void {
  put_report("cluster", text);
}

/** How that is; undefined: nothing is known yet. Any phase. */
export function cluster_report(): FeedReport | undefined {
  return decoded(get_report("cluster")) as FeedReport | undefined;
}

/**
 * etcd is asked once a second. After so long the other gateways may soon miss what they were not told, in
 * seconds.
 */
const LONGEST_SILENCE = 2.5;

/** Why this gateway cannot tell the others anything now; undefined: it can, or it is alone. Any phase. */
export function why_cut_off(now: number): string | undefined {
  if (!is_clustered()) return undefined;
  const { last_success, error } = cluster_report() ?? {};
  if (last_success !== undefined && now - last_success < LONGEST_SILENCE) return undefined;
  return error ?? "etcd has not answered yet";
}

/** How a feed is; undefined: nothing is known yet. Any phase. */
export function feed_report(feed: number): FeedReport | undefined {
  return decoded(get_report(`feed:${string.format("%d", feed)}`)) as FeedReport | undefined;
}

/** Why an upstream is not the same here and in etcd. */
export interface ClusterProblem {
  error: string;
  /** etcd's revision of a value that is no upstream; absent: the value is one. */
  junk?: number | undefined;
}

/**
 * Notes the upstreams that are not the same here and in etcd, by name, as JSON; undefined: all are. Any
 * phase.
 */
export function put_cluster_problems(text: string | undefined): void {
  if (text === undefined) delete_report("cluster problems");
  else put_report("cluster problems", text);
}

/** The upstreams that are not the same here and in etcd, by name. Any phase. */
export function cluster_problems(): Record<string, ClusterProblem> {
  return as_object(decoded(get_report("cluster problems"))) as Record<string, ClusterProblem>;
}

/**
 * etcd's revision of the value of an upstream's key if that is known to be no upstream; 0: it is not. Any
 * phase.
 */
export function junk_revision(name: string): number {
  return cluster_problems()[name]?.junk ?? 0;
}
