/** Decides when to scale, by the mean utilization of the servers. Pure: the caller has the clock. */

/** The limits of autoscaling. Times are in seconds. */
export interface ScalingLimits {
  /** The mean utilizations above and below which servers are added and removed. */
  high: number;
  low: number;
  /** How long the mean must be above `high` or below `low`. */
  duration: number;
  /** Time after a decision without another one. */
  cooldown: number;
  /** Bounds of the number of servers in service. */
  min: number;
  max: number;
}

export interface Utilization {
  /** Servers in service, unhealthy ones included. */
  in_service: number;
  /** Healthy servers in service. */
  well: number;
  /** Healthy servers in service whose utilization is known. */
  known: number;
  /** The mean utilization of these; 0 if there are none. */
  mean: number;
}

/** Times of the upstream's scaling, by the monotonic clock; 0: not now, or never. */
export interface ScalingTimes {
  high_since: number;
  low_since: number;
  scaled_at: number;
}

export type Direction = "out" | "in";

export interface Decision {
  direction: Direction;
  reason: string;
}

function percent(utilization: number): string {
  return string.format("%.0f %%", utilization * 100);
}

/** Returns since when a condition holds; 0: it does not hold. */
function since(before: number, holds: boolean, now: number): number {
  if (!holds) return 0;
  return before > 0 ? before : now;
}

/** Returns the mean utilization that the other servers would have without one of them. */
function mean_without_one({ mean, known }: Utilization): number {
  return known > 1 ? (mean * known) / (known - 1) : math.huge;
}

function reason_to_scale_out(
  { min, max, high, duration }: ScalingLimits,
  { in_service, mean }: Utilization,
  { high_since }: ScalingTimes,
  now: number,
): string | undefined {
  if (in_service < min) return `${in_service} servers are in service, fewer than the "min" of ${min}`;
  const lasts = high_since > 0 && now - high_since >= duration;
  if (!lasts || in_service >= max) return undefined;
  return `the mean utilization is ${percent(mean)}, above ${percent(high)} for ${duration} s`;
}

function reason_to_scale_in(
  { min, max, high, low, duration }: ScalingLimits,
  utilization: Utilization,
  { low_since }: ScalingTimes,
  now: number,
): string | undefined {
  const { in_service, mean } = utilization;
  if (in_service > max) return `${in_service} servers are in service, more than the "max" of ${max}`;
  const lasts = low_since > 0 && now - low_since >= duration;
  // If the other servers would be above `high`, the server would soon be brought back.
  if (!lasts || in_service <= min || mean_without_one(utilization) >= high) return undefined;
  return `the mean utilization is ${percent(mean)}, below ${percent(low)} for ${duration} s`;
}

/**
 * Decides whether to scale, and updates the times. A server whose utilization is not known counts neither as
 * idle nor as busy: to scale out, more than half of the healthy servers must be known, and to scale in, all.
 */
export function decide(
  limits: ScalingLimits,
  utilization: Utilization,
  times: ScalingTimes,
  now: number,
): Decision | undefined {
  const { well, known, mean } = utilization;
  times.high_since = since(times.high_since, known * 2 > well && mean > limits.high, now);
  times.low_since = since(times.low_since, known > 0 && known === well && mean < limits.low, now);
  if (now - times.scaled_at < limits.cooldown) return undefined;
  const out = reason_to_scale_out(limits, utilization, times, now);
  if (out !== undefined) return { direction: "out", reason: out };
  const back = reason_to_scale_in(limits, utilization, times, now);
  return back === undefined ? undefined : { direction: "in", reason: back };
}
