/**
 * When to scale: by the mean utilization of the servers that share an upstream's requests. Pure: the caller has the clock.
 */

/** The limits, times in seconds. */
export interface Water {
  high: number;
  low: number;
  /** For how long the mean must be beyond one of them. */
  duration: number;
  cooldown: number;
  /** Of servers in service. */
  min: number;
  max: number;
}

/** What there is to go by. */
export interface Level {
  /** How many servers are in service, sick ones included. */
  in_service: number;
  /** How many of them are well, and of those the number whose load is known. */
  well: number;
  known: number;
  /** The mean utilization of those that are known; 0 when there are none. */
  mean: number;
}

/** What is remembered. Moments; 0: it is not so, or never was. */
export interface Tide {
  high_since: number;
  low_since: number;
  scaled_at: number;
}

export type Direction = "out" | "in";

/** A decision. */
export interface Decision {
  direction: Direction;
  /** For people. */
  reason: string;
}

function percent(utilization: number): string {
  return string.format("%.0f %%", utilization * 100);
}

/** Since when something is so that may be so now. */
function since(before: number, is_so: boolean, now: number): number {
  if (!is_so) return 0;
  return before > 0 ? before : now;
}

/** What the mean would be with one server less. */
function mean_without_one({ mean, known }: Level): number {
  return known > 1 ? (mean * known) / (known - 1) : math.huge;
}

function to_go_out(
  { min, max, high, duration }: Water,
  level: Level,
  tide: Tide,
  now: number,
): string | undefined {
  const { in_service, mean } = level;
  if (in_service < min) return `${in_service} servers are in service, "min" is ${min}`;
  const lasts = tide.high_since > 0 && now - tide.high_since >= duration;
  if (!lasts || in_service >= max) return undefined;
  return `the mean utilization is ${percent(mean)}, above ${percent(high)} for ${duration} s`;
}

function to_go_in(water: Water, level: Level, tide: Tide, now: number): string | undefined {
  const { min, max, high, low, duration } = water;
  const { in_service, mean } = level;
  if (in_service > max) return `${in_service} servers are in service, "max" is ${max}`;
  const lasts = tide.low_since > 0 && now - tide.low_since >= duration;
  // Else the others would have too much at once, and it would come back.
  if (!lasts || in_service <= min || mean_without_one(level) >= high) return undefined;
  return `the mean utilization is ${percent(mean)}, below ${percent(low)} for ${duration} s`;
}

/**
 * Decides. A server whose load is not known counts neither as idle nor as full: above the high water more than half of those
 * that are well must be known, below the low water all of them.
 *
 * @param tide is brought up to date, but for `scaled_at`
 */
export function decide(water: Water, level: Level, tide: Tide, now: number): Decision | undefined {
  const { well, known, mean } = level;
  tide.high_since = since(tide.high_since, known * 2 > well && mean > water.high, now);
  tide.low_since = since(tide.low_since, known > 0 && known === well && mean < water.low, now);
  if (now - tide.scaled_at < water.cooldown) return undefined;
  const out = to_go_out(water, level, tide, now);
  if (out !== undefined) return { direction: "out", reason: out };
  const back = to_go_in(water, level, tide, now);
  return back === undefined ? undefined : { direction: "in", reason: back };
}
