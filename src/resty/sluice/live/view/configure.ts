import { new_method } from "../../balancer/methods";
import type { RetriesConfig } from "../../config/admission";
import { balancing_of, type BalancingConfig } from "../../config/balancing";
import { seconds_of } from "../../config/time";
import { end_ejection, limits_of } from "../../health/outlier";
import { expiry_of } from "../../health/reported";
import * as clock from "../../lib/clock";
import { encode } from "../../lib/json";
import type { Document } from "../../store/document/document";
import { new_key_reader } from "./key";
import { type LiveUpstream, type LiveServer, Measure, type RetryLimits } from "./model";
import { queue_of } from "./queue";
import { new_binding } from "./sticky";
import { surroundings_of } from "./surroundings";
import { follow_loads } from "./weight";

/** What an upstream as this worker runs it takes from the settings of its document. */

/** The limit without `retries.tries`: more would cost each request much time while most servers fail. */
const DEFAULT_TRIES = 10;

/** No revision of health or of loads is this one. */
export const UNSEEN = -1;

/** Has a server take part in its upstream's method, and in what binds clients to servers. */
export function join(upstream: LiveUpstream, server: LiveServer): void {
  server.method = server.backup ? upstream.backup : upstream.primary;
  server.method.add(server);
  if (upstream.sticky !== undefined) upstream.sticky.join(server);
}

function measure_of(config: BalancingConfig): Measure {
  if (config.random?.two === "least_time") return Measure.HEADER;
  if (config.least_time === undefined) return Measure.NONE;
  return config.least_time.measure === "header" ? Measure.HEADER : Measure.LAST_BYTE;
}

/** Has all servers of an upstream take part, in the configured order. */
function join_all(upstream: LiveUpstream): void {
  const ids: number[] = [];
  for (const [id] of pairs(upstream.servers)) ids.push(id);
  table.sort(ids);
  for (const id of ids) join(upstream, upstream.servers.get(id) as LiveServer);
}

/** Gives an upstream the method of a document, with all its servers. O(servers). */
function configure(upstream: LiveUpstream, document: Document, balancing: string): void {
  const surroundings = surroundings_of(upstream);
  upstream.balancing = balancing;
  upstream.primary = new_method(document, surroundings);
  upstream.backup = new_method(document, surroundings);
  upstream.read_key = new_key_reader(document);
  upstream.sticky = new_binding(document);
  upstream.measure = measure_of(document);
  upstream.keeps_begun = document.least_time?.inflight === true;
  join_all(upstream);
}

/** Gives an upstream the method of a document, unless it has that already. O(servers) for another. */
export function balance_as(upstream: LiveUpstream, document: Document): void {
  const balancing = encode([balancing_of(document), document.session_secret]);
  if (upstream.balancing !== balancing) configure(upstream, document, balancing);
}

function end_ejections(upstream: LiveUpstream): void {
  for (const [, server] of pairs(upstream.servers)) end_ejection(server, clock.now());
}

/** Reads a configuration. */
function retry_limits(config: RetriesConfig): RetryLimits {
  const { timeout, budget } = config;
  return {
    timeout: timeout === undefined ? math.huge : seconds_of(timeout),
    budget_percent: budget?.percent ?? math.huge,
    min_concurrent: budget?.min_concurrent ?? math.huge,
  };
}

/** Gives an upstream what a document says of retries, waiting and health. */
export function set_limits(
  upstream: LiveUpstream,
  { retries, outlier_detection, queue, panic_threshold, load, autoscale }: Document,
): void {
  upstream.tries = retries?.tries ?? DEFAULT_TRIES;
  upstream.retry_limits = retries === undefined ? undefined : retry_limits(retries);
  if (outlier_detection === undefined && upstream.outlier_limits !== undefined) end_ejections(upstream);
  upstream.outlier_limits = outlier_detection === undefined ? undefined : limits_of(outlier_detection);
  upstream.queue = queue_of(queue, upstream.queue);
  upstream.panic_threshold = panic_threshold ?? 0;
  const is_released = load === undefined && upstream.follows_load;
  upstream.follows_load = load !== undefined;
  if (load !== undefined || is_released) upstream.load_revision = UNSEEN;
  // Without it the weights are what is configured, and that at once.
  if (is_released) follow_loads(upstream);
  upstream.wants_reports = load !== undefined || autoscale !== undefined;
  upstream.report_expiry = expiry_of(load);
  upstream.health_revision = UNSEEN;
}
