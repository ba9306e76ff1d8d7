import { time_with } from "../balancer/loads";
import { type Cell, Row, UpstreamRow } from "../store/memory/cells";
import { rare_cells_of } from "../store/memory/rare_cells";
import { shared_memory } from "../store/memory/region";

/** What `least_load` compares of a server, for the API and the metrics. Any phase. */

/** Returns the requests in flight, for the weight, above which a server of the upstream at a row is hot. */
export function hot_from(upstream_row: Cell): number {
  return shared_memory()[upstream_row + UpstreamRow.HOT_FROM];
}

/** Returns the expected time of one more request, in milliseconds; undefined: not known. */
export function expected_with(row: Cell, requests: number): number | undefined {
  const memory = shared_memory();
  const mean = memory[row + Row.EXPECTED_TIME];
  return mean < 0 ? undefined : time_with(requests, mean, memory[row + Row.EXPECTED_REQUESTS]);
}

/** Returns the age of the last report of the load, in seconds; undefined: there was none. */
export function report_age(row: Cell, now: number): number | undefined {
  const memory = shared_memory();
  const reported_at = math.max(memory[row + Row.ELSEWHERE_AT], memory[rare_cells_of(row) + Row.LATENCY_AT]);
  return reported_at === 0 ? undefined : math.max(0, now - reported_at);
}
