import type { ControlledServer } from "./controlled";
import { is_well, takes_part } from "./measure";
import type { Level } from "./scaling_rule";

/** How full an upstream's servers are. */

/** More than full is no more than that: one that says so alone must not have servers brought in. */
const FULL = 1;

/** What there is to go by. `expiry`: how long a report counts, in seconds. */
export function level_of(servers: readonly ControlledServer[], expiry: number, now: number): Level {
  const level = { in_service: 0, well: 0, known: 0, mean: 0 };
  let sum = 0;
  for (const server of servers) {
    if (takes_part(server)) {
      level.in_service += 1;
      const well = is_well(server, now);
      const known = well && server.reported_at > 0 && now - server.reported_at <= expiry;
      if (well) level.well += 1;
      if (known) {
        level.known += 1;
        sum += math.min(FULL, server.utilization);
      }
    }
  }
  if (level.known > 0) level.mean = sum / level.known;
  return level;
}
