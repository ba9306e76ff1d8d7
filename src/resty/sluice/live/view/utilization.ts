import { type Cell, Row } from "../../store/memory/cells";
import { rare_cells_of } from "../../store/memory/rare_cells";
import { shared_memory } from "../../store/memory/region";

/**
 * Returns how much of its capacity a server uses: what it has reported, or its requests under way in relation
 * to `max_conns` if that is more. From 0 to 1; -1: neither is known. Any phase.
 *
 * @param active the number of its requests under way
 * @param expiry the time that a report is valid, in seconds
 * @param now the monotonic clock
 */
export function utilization_of(
  row: Cell,
  active: number,
  max_conns: number,
  expiry: number,
  now: number,
): number {
  const memory = shared_memory();
  const rare = rare_cells_of(row);
  const reported = memory[rare + Row.UTILIZATION];
  const is_fresh = memory[rare + Row.REPORTED_AT] > 0 && now - memory[rare + Row.REPORTED_AT] <= expiry;
  const load = is_fresh && reported >= 0 ? reported : -1;
  return math.min(1, max_conns > 0 ? math.max(load, active / max_conns) : load);
}
