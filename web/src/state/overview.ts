import { newPause } from "../api/pause";
import { Meter, type Figures, type Percentiles } from "../model/figures";
import { issuesOf, serverCount, severityOfIssues } from "../model/issues";
import { giveRanks } from "../model/order";
import type { Severity } from "../model/severity";
import type { GatewayStatus, ServerState, UpstreamSummary } from "../model/types";
import { Store } from "./store";
import { gatewayTime, setGatewayTime } from "./time";

/** What is known of all upstreams. */

/** An upstream on the first screen. */
export class Upstream {
  readonly meter = new Meter();
  severity: Severity = "ok";
  /** Its place among all upstreams in the order of their names. */
  rank = 0;

  constructor(public summary: UpstreamSummary) {}

  get figures(): Figures {
    return this.meter.figures;
  }

  get percentiles(): Percentiles {
    return this.meter.percentiles;
  }

  /** Decides how bad it is. */
  judge(): void {
    this.severity = severityOfIssues(issuesOf(this.summary, this.figures, gatewayTime()));
  }
}

/** The sums over all upstreams. */
export interface Totals {
  servers: number;
  states: Partial<Record<ServerState, number>>;
  severities: Record<Severity, number>;
  rate: number | undefined;
  errors: number | undefined;
  active: number;
  /** Requests in queues; undefined: there is no queue. */
  queued: number | undefined;
}

export interface Overview {
  /** The newest answer, whose `upstreams` may be only those that have changed; undefined: none yet. */
  gateway: GatewayStatus | undefined;
  upstreams: ReadonlyMap<string, Upstream>;
  totals: Totals;
}

const known = new Map<string, Upstream>();
/** Upstreams whose figures change although their counters do not. */
const moving = new Set<Upstream>();

const NO_TOTALS: Totals = {
  servers: 0,
  states: {},
  severities: { critical: 0, warning: 0, notice: 0, ok: 0 },
  rate: undefined,
  errors: undefined,
  active: 0,
  queued: undefined,
};

export const overview = new Store<Overview>({ gateway: undefined, upstreams: known, totals: NO_TOTALS });

function sumUp(): Totals {
  const totals: Totals = { ...NO_TOTALS, states: {}, severities: { ...NO_TOTALS.severities } };
  let failed = 0;
  for (const { summary, figures, severity } of known.values()) {
    totals.servers += serverCount(summary);
    totals.active += summary.active;
    if (summary.queue !== undefined) totals.queued = (totals.queued ?? 0) + summary.queue.size;
    totals.severities[severity] += 1;
    for (const [state, count] of Object.entries(summary.states) as [ServerState, number][])
      totals.states[state] = (totals.states[state] ?? 0) + count;
    if (figures.rate !== undefined) totals.rate = (totals.rate ?? 0) + figures.rate;
    failed += (figures.errors ?? 0) * (figures.rate ?? 0);
  }
  if (totals.rate !== undefined && totals.rate > 0) totals.errors = failed / totals.rate;
  return totals;
}

function update(
  summary: UpstreamSummary,
  { now, time_bounds }: GatewayStatus,
  before: number | undefined,
): void {
  let upstream = known.get(summary.name);
  if (upstream === undefined) {
    upstream = new Upstream(summary);
    known.set(summary.name, upstream);
  } else if (!moving.has(upstream) && before !== undefined) {
    upstream.meter.wake(before);
  }
  upstream.summary = summary;
  const { requests, responses, fails, times } = summary;
  upstream.meter.add({ requests, responses, fails, times }, now, time_bounds);
  upstream.judge();
  moving.add(upstream);
}

function forgetOthers(summaries: readonly UpstreamSummary[]): void {
  const names = new Set(summaries.map(({ name }) => name));
  for (const [name, upstream] of known) {
    if (names.has(name)) continue;
    known.delete(name);
    moving.delete(upstream);
  }
}

/** Returns the argument of the next request; "": it asks for all upstreams. */
export function sinceArgument(): string {
  const { gateway } = overview.get();
  const isComplete = gateway !== undefined && gateway.upstream_count === known.size;
  return isComplete ? `?since=${gateway.now}` : "";
}

/** Brings the figures of upstreams up to date that the answer does not mention. */
function settleOthers(now: number, changed: ReadonlySet<string>): void {
  for (const upstream of moving) {
    const isChanged = changed.has(upstream.summary.name);
    if (!isChanged) upstream.meter.stay(now);
    if (upstream.meter.isIdle) moving.delete(upstream);
    if (!isChanged) upstream.judge();
  }
}

/**
 * Takes an answer, in slices.
 *
 * @param isComplete whether it has all upstreams, and not only those that have changed
 */
export async function takeStatus(status: GatewayStatus, isComplete: boolean): Promise<void> {
  setGatewayTime(status.time);
  const before = overview.get().gateway?.now;
  if (isComplete) forgetOthers(status.upstreams);
  const size = known.size;
  const pause = newPause();
  const changed = new Set<string>();
  for (const summary of status.upstreams) {
    update(summary, status, before);
    changed.add(summary.name);
    if (pause.isDue()) await pause.next();
  }
  if (known.size !== size || isComplete) giveRanks([...known.values()], ({ summary }) => summary.name);
  settleOthers(status.now, changed);
  overview.set({ gateway: status, upstreams: known, totals: sumUp() });
}
