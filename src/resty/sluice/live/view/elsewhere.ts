import { most_elsewhere } from "../../balancer/loads";
import { type Cell, Row } from "../../store/memory/cells";
import { shared_memory } from "../../store/memory/region";

/** The requests at a server that come from elsewhere, such as other gateways, by its last report. Hot. */

/** The part by which a report counts less for each second. */
const DECAY = 0.1;

/** Returns the number of these requests, of the server at a row. `now`: the monotonic clock. */
export function requests_elsewhere(row: Cell, now: number): number {
  const memory = shared_memory();
  const age = now - memory[row + Row.ELSEWHERE_AT];
  return memory[row + Row.ELSEWHERE] * math.max(0, 1 - age * DECAY);
}

/**
 * Returns the number of these requests that `least_load` counts. `weight`: that of the server. `hot_from`:
 * the requests, for the weight, above which a server is hot.
 */
export function counted_elsewhere(row: Cell, weight: number, hot_from: number, now: number): number {
  return math.min(requests_elsewhere(row, now), most_elsewhere(hot_from) * weight);
}
