import { type Cell, Row } from "../../store/memory/cells";
import { shared_memory } from "../../store/memory/region";

/** The requests at a server that come from elsewhere, such as other gateways, by its last report. Hot. */

/** The time in which the requests of a report count less by a factor of e, in seconds. */
const DECAY = 5;
/** The age at which a report no longer counts, in seconds. */
const EXPIRY = 30;

/** Returns the number of these requests, of the server at a row. `now`: the monotonic clock. */
export function requests_elsewhere(row: Cell, now: number): number {
  const memory = shared_memory();
  const elsewhere = memory[row + Row.ELSEWHERE];
  if (elsewhere === 0) return 0;
  const age = now - memory[row + Row.ELSEWHERE_AT];
  return age > EXPIRY ? 0 : elsewhere * math.exp(-age / DECAY);
}
