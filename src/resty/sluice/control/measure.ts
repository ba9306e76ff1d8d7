import { reported_state } from "../health/reported";
import { Row } from "../store/memory/cells";
import { Reported } from "../store/memory/states";
import { load_factor } from "../store/memory/factor";
import { rare_cells_of } from "../store/memory/rare_cells";
import { shared_memory } from "../store/memory/region";
import { active_requests } from "../store/memory/rows";
import { picks_of } from "../store/memory/statistics";
import type { ControlledServer } from "./controlled";

/** Measures the loads of servers: their last reports, and the requests that this gateway has counted. */

/** Measures the requests per second that a server has completed since the last call. */
function measure_rps(server: ControlledServer, now: number): void {
  const completed = picks_of(server.row_number, server.incarnation) - active_requests(server.row_number);
  const passed = now - server.completed_at;
  const is_first = server.completed_at === 0;
  // A reset of the statistics makes the counter fall.
  server.measured_rps = is_first || passed <= 0 ? 0 : math.max(0, completed - server.completed) / passed;
  server.completed = completed;
  server.completed_at = now;
}

/** Updates the measurements of a server. `now` is the monotonic clock. */
export function measure(server: ControlledServer, now: number): void {
  const memory = shared_memory();
  const { row } = server;
  const rare = rare_cells_of(row);
  server.reported_at = memory[rare + Row.REPORTED_AT];
  server.reporting_since = memory[rare + Row.REPORTING_SINCE];
  server.utilization = memory[rare + Row.UTILIZATION];
  server.rps = memory[rare + Row.RPS];
  server.eps = memory[rare + Row.EPS];
  server.factor = load_factor(row);
  measure_rps(server, now);
}

/** Tells whether a server shares the upstream's requests. */
export function takes_part({ row, may_serve, backup }: ControlledServer): boolean {
  return may_serve && !backup && reported_state(row) === Reported.UP;
}

/** Tells whether a server is healthy enough for requests. */
export function is_well({ row }: ControlledServer, now: number): boolean {
  return shared_memory()[row + Row.UNAVAILABLE_UNTIL] <= now;
}
