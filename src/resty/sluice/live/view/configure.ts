import type { RetriesConfig } from "../../config/admission";
import { BALANCING, type BalancingConfig } from "../../config/balancing";
import { copy_of } from "../../config/block";
import { load_sources } from "../../config/load_source";
import { seconds_of } from "../../config/time";
import { ZONES } from "../../config/zones";
import { limits_of } from "../../health/outlier";
import { expiry_of } from "../../health/reported";
import { encode } from "../../lib/json";
import type { Document } from "../../store/document/document";
import { new_key_reader } from "./key";
import { set_load_probe } from "./load_probe";
import { add_to_method, set_methods } from "./methods";
import { type LiveUpstream, type LiveServer, Measure, type RetryLimits } from "./model";
import { queue_of } from "./queue";
import { split_of } from "./split";
import { new_binding } from "./sticky";
import { follow_loads } from "./weight";

/** Applies the settings of a document to the upstream that this worker serves. */

/** The limit without `retries.tries`: more tries would take a request too long while most servers fail. */
export const DEFAULT_TRIES = 10;

/** Differs from each revision of health and of loads. */
export const UNSEEN = -1;

/** Adds a server to its upstream's method and to the binding of clients. */
export function join(upstream: LiveUpstream, server: LiveServer, document: Document): void {
  add_to_method(server, document);
  if (upstream.sticky !== undefined) upstream.sticky.join(server);
}

function measure_of(config: BalancingConfig): Measure {
  if (config.random?.two === "least_time") return Measure.HEADER;
  if (config.method === "least_load") return Measure.LOAD;
  if (config.least_time === undefined) return Measure.NONE;
  return config.least_time.measure === "header" ? Measure.HEADER : Measure.LAST_BYTE;
}

/** Adds all servers of an upstream to its method, in the configured order. */
function join_all(upstream: LiveUpstream, document: Document): void {
  const ids: number[] = [];
  for (const [id] of pairs(upstream.servers)) ids.push(id);
  table.sort(ids);
  for (const id of ids) join(upstream, upstream.servers.get(id) as LiveServer, document);
}

/** Returns the settings that decide on the method and the binding, as a text to compare. */
function balancing_text(document: Document): string {
  const { zones, session_secret } = document;
  const its_zones = zones === undefined ? false : copy_of(ZONES, zones);
  return encode([copy_of(BALANCING, document), its_zones, session_secret]);
}

/** Tells whether the beginning of each request must be known. */
function needs_begin_times(config: BalancingConfig): boolean {
  return config.least_time?.inflight === true;
}

/**
 * Gives an upstream the method of a document, unless it has that already. O(servers) if the method changes.
 */
export function balance_as(upstream: LiveUpstream, document: Document): void {
  const balancing = balancing_text(document);
  if (upstream.balancing === balancing) return;
  upstream.balancing = balancing;
  set_methods(upstream, document);
  upstream.read_key = new_key_reader(document);
  upstream.sticky = new_binding(document);
  upstream.measure = measure_of(document);
  upstream.keeps_begun = needs_begin_times(document);
  join_all(upstream, document);
}

function retry_limits(config: RetriesConfig): RetryLimits {
  const { timeout, budget } = config;
  return {
    timeout: timeout === undefined ? math.huge : seconds_of(timeout),
    budget_percent: budget?.percent ?? math.huge,
    min_concurrent: budget?.min_concurrent ?? math.huge,
  };
}

/** Gives an upstream the split of a document, and its limits for retries, waiting and health. */
export function set_limits(upstream: LiveUpstream, document: Document): void {
  const { retries, outlier_detection, queue, split, panic_threshold, load, autoscale, zones, least_load } =
    document;
  upstream.tries = retries?.tries ?? DEFAULT_TRIES;
  upstream.retry_limits = retries === undefined ? undefined : retry_limits(retries);
  upstream.outlier_limits = outlier_detection === undefined ? undefined : limits_of(outlier_detection);
  upstream.queue = queue_of(queue, upstream.queue);
  upstream.limit_bounds = document.adaptive_limit;
  upstream.split = split === undefined ? undefined : split_of(split, upstream.split);
  upstream.panic_threshold = panic_threshold ?? 0;
  const degrades = outlier_detection?.mode === "degrade";
  const is_released = (load === undefined && upstream.follows_load) || (!degrades && upstream.degrades);
  upstream.follows_load = load !== undefined;
  upstream.degrades = degrades;
  if (load !== undefined || degrades || is_released) upstream.load_revision = UNSEEN;
  // Without `load`, or as no outliers, the servers have their configured weights at once.
  if (is_released) follow_loads(upstream);
  upstream.load_sources = load_sources({ load, least_load });
  set_load_probe(upstream, least_load);
  upstream.wants_reports =
    load !== undefined ||
    autoscale !== undefined ||
    zones?.prefer === true ||
    least_load?.report !== undefined;
  upstream.report_expiry = expiry_of(load);
  upstream.health_revision = UNSEEN;
}
