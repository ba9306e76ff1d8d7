/** Computes the load of a server from its reports, and how far the load can be trusted. Pure. */

/** The limits of weight changes. Times are in seconds, all other values are fractions of 1. */
export interface LoadLimits {
  /** The utilization above which a server is overloaded. */
  target: number;
  /** Time from one update of the weights to the next. */
  update: number;
  /** How long a server must report before its reports are used. */
  blackout: number;
  /** How long a report is used. */
  expiry: number;
  /** The largest change of a weight in one update. */
  max_step: number;
  /** The smallest part of the configured weight that a server keeps. */
  min_weight: number;
  /** The utilization that is added for a server that answers with errors only. */
  error_penalty: number;
}

/** The reason for the value of a factor. */
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

/** A server's last report, and its factor. Rates are per second; -1: not known. */
export interface LoadedServer {
  configured_weight: number;
  /** When the server last reported, by the monotonic clock; 0: never. */
  reported_at: number;
  /** When the current uninterrupted series of reports began, by the monotonic clock. */
  reporting_since: number;
  /** From 0; values above 1 are possible. */
  utilization: number;
  rps: number;
  eps: number;
  /** Requests that this gateway has completed there per second, since the last update. */
  measured_rps: number;
  /** The weight is the configured weight times this factor. `balance_loads` changes it. */
  factor: number;
  /** The reason for the factor. `balance_loads` changes it. */
  reason: Reason;
  /** Requests per second ÷ load ÷ configured weight; absent: not known. `balance_loads` changes it. */
  capacity?: number | undefined;
}

/** The largest utilization that is used. A report of 10^9 is a mistake or a lie and counts as this value. */
const MOST_UTILIZATION = 10;
/** Bounds of requests per second. Outside of them computations would overflow or divide by almost nothing. */
const MOST_REQUESTS = 1e9;
export const FEWEST_REQUESTS = 1e-3;
/** The load at which a report is trusted by half. Below it, the load is mostly overhead and noise. */
const IDLE = 0.05;
/** Below this load a report says nothing about the server's capacity. */
const NO_LOAD = 0.001;

/** Tells whether a value is a finite number from 0, and not the result of a broken report. */
export function is_amount(value: number): boolean {
  return value >= 0 && value < math.huge;
}

/** Returns its utilization, the part of that above the target once more, and its errors. */
export function load_of(server: LoadedServer, limits: LoadLimits, scale: number): number {
  const utilization = math.min(server.utilization, MOST_UTILIZATION);
  const requests = requests_of(server, scale);
  const failing = is_amount(server.eps) && requests > 0 ? math.min(1, server.eps / requests) : 0;
  return utilization + math.max(0, utilization - limits.target) + failing * limits.error_penalty;
}

/**
 * Returns how far a load can be trusted, from 0 to 1. The factor moves to 1 by the untrusted part. Otherwise
 * the factor of an idle server would follow the noise of its reports, and a server that wrongly reports to be
 * idle would receive the most requests. The trust is 1 % at a load of 0.016 and 99 % at 0.16.
 */
export function trust_of(load: number): number {
  const square = (load / IDLE) * (load / IDLE);
  return 1 - 1 / (1 + square * square);
}

/** Tells whether a load is too small to compute a capacity from it. */
export function is_idle(load: number): boolean {
  return load < NO_LOAD;
}

/** Returns the reported requests per second, or those of this gateway if none were reported. */
export function requests_of(server: LoadedServer, scale: number): number {
  if (is_amount(server.rps)) return math.min(server.rps, MOST_REQUESTS);
  return is_amount(server.measured_rps) ? math.min(server.measured_rps * scale, MOST_REQUESTS) : 0;
}

/**
 * Returns the factor that makes measured requests comparable with reported ones, which include those of other
 * gateways: 1 unless only some servers report. The median limits the influence of wrong reports.
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
