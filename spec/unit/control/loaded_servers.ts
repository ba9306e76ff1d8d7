import { type LoadLimits, type LoadedServer, Reason } from "../../../src/resty/sluice/control/load";
import { balance_loads } from "../../../src/resty/sluice/control/weights";
import { expect } from "../support/expect";

/** Servers of which loads are known, and where their weights go. */

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

/** A server that is known, gets 100 requests per second and is utilized to one half. */
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

/** Several that are the same. */
export function servers(count: number, differences: Partial<LoadedServer> = {}): LoadedServer[] {
  const made: LoadedServer[] = [];
  for (const _ of $range(1, count)) made.push(server(differences));
  return made;
}

/** Updates weights many times with the same reports. */
export function settle(all: readonly LoadedServer[], limits = LIMITS): void {
  for (const _ of $range(1, 200)) balance_loads(all, limits, NOW);
}

/** Says that a number is another one, within a part of that. */
export function expect_near(actual: number, expected: number, tolerance: number): void {
  if (!(math.abs(actual / expected - 1) <= tolerance)) expect(actual).equal(expected);
}

/** Where the factor of a server goes that has five typical others beside it. */
export function settled(differences: Partial<LoadedServer>, limits = LIMITS): number {
  const one = server(differences);
  settle([one, ...servers(5)], limits);
  return one.factor;
}

/** Where a factor goes is known to this much: within it, it does not move. */
export const TOLERANCE = 0.032;
