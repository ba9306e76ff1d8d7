import type { ControlledServer } from "./controlled";
import { is_well, takes_part } from "./measure";
import type { Utilization } from "./scaling_rule";

/** Computes the utilization of an upstream from the reports of its servers. */

/** The largest utilization that is used: one server alone must not cause others to be brought in. */
const FULL = 1;

/** Computes the utilization. `expiry` is how long a report is used, in seconds. Any phase. */
export function utilization_of(
  servers: readonly ControlledServer[],
  expiry: number,
  now: number,
): Utilization {
  const utilization = { in_service: 0, well: 0, known: 0, mean: 0 };
  let sum = 0;
  for (const server of servers) {
    if (takes_part(server)) {
      utilization.in_service += 1;
      const well = is_well(server, now);
      const known = well && server.reported_at > 0 && now - server.reported_at <= expiry;
      if (well) utilization.well += 1;
      if (known) {
        utilization.known += 1;
        sum += math.min(FULL, server.utilization);
      }
    }
  }
  if (utilization.known > 0) utilization.mean = sum / utilization.known;
  return utilization;
}
