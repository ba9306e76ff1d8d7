/** What a report says of a server's load, and how much that is worth. Pure. */

/** Times in seconds, the others fractions of one. */
export interface LoadLimits {
  /** The utilization above which a server is overloaded. */
  target: number;
  /** How often weights are updated. */
  update: number;
  /** How long a server has to report before it is believed. */
  blackout: number;
  /** How long a report is. */
  expiry: number;
  /** How much a weight changes in one update at most. */
  max_step: number;
  /** The least that remains of a configured weight. */
  min_weight: number;
  /** How much utilization a server counts as having that answers with nothing but errors. */
  error_penalty: number;
}

/** Why a factor is what it is, or moves to. */
export const enum Reason {
  CONFIGURED,
  BLACKOUT,
  EXPIRED,
  NO_UTILIZATION,
  NO_REQUESTS,
  IDLE,
  LOAD,
  FLOOR,
  CEILING,
}

/** What a server reported, and what it gets. Rates are per second; what is not known is -1. */
export interface LoadedServer {
  configured_weight: number;
  /** When it last reported, by the monotonic clock; 0: never. */
  reported_at: number;
  /** When the reports began that have come without a pause since. */
  reporting_since: number;
  /** May exceed 1. */
  utilization: number;
  rps: number;
  eps: number;
  /** Requests completed there, as this gateway has counted since the last update. */
  measured_rps: number;
  /** Its weight is the configured one times this. Changed by `balance_loads`, as the next. */
  factor: number;
  reason: Reason;
  /** Set by `balance_loads`, too: requests per second by load and configured weight; absent: not known. */
  capacity?: number | undefined;
}

/** More is as this: a report of 10^9 is a mistake, or a lie, and no worse than what it can say truly. */
const MOST_UTILIZATION = 10;
/** Requests per second: with more, or so few that they are none, what is computed of them would be no number any more. */
const MOST_REQUESTS = 1e9;
export const FEWEST_REQUESTS = 1e-3;
/** The load at which a report is worth half: below, it is the cost of being there, and noise. */
const IDLE = 0.05;
const NO_LOAD = 0.001;

/** Tells a value that can be from what a broken report makes of it. */
export function is_amount(value: number): boolean {
  return value >= 0 && value < math.huge;
}

/**
 * The load: utilization, errors, and once more what is over the target.
 * @param scale see `scale_of_measured`
 */
export function load_of(server: LoadedServer, limits: LoadLimits, scale: number): number {
  const utilization = math.min(server.utilization, MOST_UTILIZATION);
  const requests = requests_of(server, scale);
  const failing = is_amount(server.eps) && requests > 0 ? math.min(1, server.eps / requests) : 0;
  return utilization + math.max(0, utilization - limits.target) + failing * limits.error_penalty;
}

/**
 * How much a load says, from 0 to 1; by the rest the factor goes to 1. Without this, a server that idles would have the
 * factor that it happens to have, times the noise, time and again: a random walk. And who lies that he is almost idle would
 * get the most. The fourth power, for 1 % at a load of 0.016 and 99 % at 0.16.
 */
export function trust_of(load: number): number {
  const square = (load / IDLE) * (load / IDLE);
  return 1 - 1 / (1 + square * square);
}

/** Tells whether a load says nothing at all. */
export function is_idle(load: number): boolean {
  return load < NO_LOAD;
}

/** The requests per second: of all gateways as the server reports them, or else this gateway's. 0: none. */
export function requests_of(server: LoadedServer, scale: number): number {
  if (is_amount(server.rps)) return math.min(server.rps, MOST_REQUESTS);
  return is_amount(server.measured_rps) ? math.min(server.measured_rps * scale, MOST_REQUESTS) : 0;
}

/**
 * By what requests measured here are to be multiplied to compare with reported ones, where servers that report them and
 * servers that do not are mixed: other gateways' are in the reported only. The median, for liars' sake; 1: not mixed.
 */
export function scale_of_measured(servers: readonly LoadedServer[]): number {
  let is_mixed = false;
  const ratios: number[] = [];
  for (const server of servers) {
    if (!is_amount(server.rps)) is_mixed = true;
    else if (server.rps > 0 && is_amount(server.measured_rps) && server.measured_rps > 0) {
      ratios.push(server.rps / server.measured_rps);
    }
  }
  if (!is_mixed || ratios.length === 0) return 1;
  table.sort(ratios);
  return ratios[math.ceil(ratios.length / 2) - 1];
}
