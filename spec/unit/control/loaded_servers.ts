import { type LoadLimits, type LoadedServer, Reason } from "../../../src/resty/sluice/control/load";
import { balance_loads } from "../../../src/resty/sluice/control/weights";
import { expect } from "../support/expect";

/** Servers with known loads, and the weights that result from them. */

export const NOW = 1e9;
export const LIMITS: LoadLimits = {
  target: 0.8,
  update: 1,
  blackout: 10,
  expiry: 180,
  max_step: 0.2,
  min_weight: 0.05,
  error_penalty: 1,
};
export const NAN = 0 / 0;

/** Returns a server that has reported 100 requests per second and a utilization of one half. */
export function server(differences: Partial<LoadedServer> = {}): LoadedServer {
  return {
    configured_weight: 1,
    reported_at: NOW,
    reporting_since: NOW - 60,
    utilization: 0.5,
    rps: 100,
    eps: 0,
    measured_rps: 0,
    factor: 1,
    reason: Reason.CONFIGURED,
    ...differences,
  };
}

/** Returns several equal servers. */
export function servers(count: number, differences: Partial<LoadedServer> = {}): LoadedServer[] {
  const made: LoadedServer[] = [];
  for (const _ of $range(1, count)) made.push(server(differences));
  return made;
}

/** Updates weights many times with the same reports. */
export function settle(all: readonly LoadedServer[], limits = LIMITS): void {
  for (const _ of $range(1, 200)) balance_loads(all, limits, NOW);
}

/** Expects that a number equals another one within a relative tolerance. */
export function expect_near(actual: number, expected: number, tolerance: number): void {
  if (!(math.abs(actual / expected - 1) <= tolerance)) expect(actual).equal(expected);
}

/** Returns the final factor of a server next to five typical ones. */
export function settled(differences: Partial<LoadedServer>, limits = LIMITS): number {
  const one = server(differences);
  settle([one, ...servers(5)], limits);
  return one.factor;
}

/** Relative accuracy of a final factor: smaller differences do not move it. */
export const TOLERANCE = 0.032;
