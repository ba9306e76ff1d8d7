import { as_object, decode } from "../lib/json";
import { is_clustered } from "./document/clustered";
import type { SourceMark } from "./document/line";
import { delete_report, get_report, put_report } from "./memory/dict";

/** The status of upstreams' sources and of their feeds, which all workers can read. */

/** The status of a feed. */
export interface FeedReport {
  /** When the registry last answered, by the monotonic clock; absent: never. */
  last_success?: number | undefined;
  /** Why the last session ended; absent: it continues. */
  error?: string | undefined;
  /** The number of failures since the worker that follows the feed began. */
  failures?: number | undefined;
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
  /** The name of its feed's report. */
  feed: string;
  /** Why its answer could not be applied. */
  error?: string | undefined;
  revision?: string | undefined;
  servers: number;
  /** How many of them the registry has marked as down; absent: none. */
  down?: number | undefined;
  skipped: SkippedEntry[];
  skipped_count: number;
  pending?: { reason: string; count: number; confirmations: number; servers: string[] } | undefined;
}

/** The load of an upstream's servers, which determines their weights. */
export interface LoadReport {
  /** The median of the capacities: requests per second by load and configured weight. */
  median: number;
  /** By the ids of the servers, in digits. */
  capacities: Record<string, number | undefined>;
}

function decoded(text: string | undefined): unknown {
  return text === undefined ? undefined : decode(text)[0];
}

/** The reports of a kind by name, as JSON in the shared dict. Any phase. */
interface Reports<Report> {
  put: (this: void, name: string, text: string) => void;
  /** Returns a report; undefined: not known. */
  get: (this: void, name: string) => Report | undefined;
  forget: (this: void, name: string) => void;
}

function new_reports<Report>(kind: string): Reports<Report> {
  return {
    put: (name, text) => {
      put_report(kind + name, text);
    },
    get: (name) => decoded(get_report(kind + name)) as Report | undefined,
    forget: (name) => {
      delete_report(kind + name);
    },
  };
}

/** Returns the name of the report of a server with a host name. `mark`: that of its addresses. */
export function host_report_name(name: string, mark: SourceMark): string {
  return `${name} ${mark}`;
}

/** The name of the report of the feed of a registry that feeds many upstreams. */
export const TEMPLATE_FEED_REPORT = "template";

export const source_reports = new_reports<SourceReport>("source:");
export const feed_reports = new_reports<FeedReport>("feed:");
export const load_reports = new_reports<LoadReport>("load:");

/** The status of the registry that feeds many upstreams. */
export interface TemplateReport {
  /** Why upstreams could not be made or deleted. */
  error?: string | undefined;
  revision?: string | undefined;
  /** The number of upstreams that it has made and that exist. */
  upstreams: number;
  skipped: SkippedEntry[];
  skipped_count: number;
  pending?: { reason: string; count: number; confirmations: number; upstreams: string[] } | undefined;
}

const TEMPLATE_REPORT = "template";
const TEMPLATE_REGISTRY = "template registry";

/** Keeps the status of the registry that feeds many upstreams, as JSON. Any phase. */
export function put_template_report(text: string): void {
  put_report(TEMPLATE_REPORT, text);
}

/**
 * Forgets what is known of the registry that feeds many upstreams, if an earlier `setup` had another one.
 * `registry`: a text that differs for other registries. Any phase.
 */
export function begin_template_reports(registry: string): void {
  if (get_report(TEMPLATE_REGISTRY) === registry) return;
  delete_report(TEMPLATE_REPORT);
  feed_reports.forget(TEMPLATE_FEED_REPORT);
  put_report(TEMPLATE_REGISTRY, registry);
}

/** Returns the status of the registry that feeds many upstreams; undefined: none yet. Any phase. */
export function template_report(): TemplateReport | undefined {
  return decoded(get_report(TEMPLATE_REPORT)) as TemplateReport | undefined;
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
