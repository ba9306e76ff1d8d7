import type { LoadedServer } from "../../src/resty/sluice/control/load";
import { balance_loads } from "../../src/resty/sluice/control/weights";
import { type LiveServer, type LiveUpstream, Own } from "../../src/resty/sluice/live/view/model";
import { Row, UpstreamRow } from "../../src/resty/sluice/store/memory/cells";
import { load_factor } from "../../src/resty/sluice/store/memory/factor";
import { rare_cells_of, use_rare_cells } from "../../src/resty/sluice/store/memory/rare_cells";
import { shared_memory } from "../../src/resty/sluice/store/memory/region";

/** The update of weights by the loads that servers report, which one worker runs once a second. */

/** The defaults of `load`, without the `blackout`: a run is too short for it. Times are in seconds. */
const LIMITS = {
  target: 0.7,
  update: 1,
  blackout: 0,
  expiry: 180,
  max_step: 0.2,
  min_weight: 0.05,
  error_penalty: 1,
};

function loaded(server: LiveServer): LoadedServer {
  const memory = shared_memory();
  const { row } = server;
  const rare = rare_cells_of(row);
  return {
    configured_weight: server[Own.PARAMETERS].weight,
    reported_at: memory[rare + Row.REPORTED_AT],
    reporting_since: memory[rare + Row.REPORTING_SINCE],
    utilization: memory[rare + Row.UTILIZATION],
    rps: memory[rare + Row.RPS],
    eps: memory[rare + Row.EPS],
    measured_rps: 0,
    factor: load_factor(row),
    reason: memory[rare + Row.FACTOR_REASON],
  };
}

/** Updates the factors of all servers in the rotation. */
export function update_factors(upstream: LiveUpstream, now: number): void {
  const memory = shared_memory();
  const servers: LiveServer[] = [];
  for (const [, server] of pairs(upstream.servers)) if (server.in_rotation) servers.push(server);
  const all = servers.map((server) => loaded(server));
  balance_loads(all, LIMITS, now);
  for (const place of $range(0, all.length - 1)) {
    const { row } = servers[place];
    use_rare_cells(row);
    memory[row + Row.FACTOR] = all[place].factor;
  }
  memory[upstream.row + UpstreamRow.LOAD_REVISION] = memory[upstream.row + UpstreamRow.LOAD_REVISION] + 1;
}
