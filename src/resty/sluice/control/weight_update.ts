import type { LoadConfig } from "../config/load";
import { seconds_of } from "../config/time";
import { encode } from "../lib/json";
import { Row } from "../store/memory/cells";
import { touch_factors } from "../store/memory/factor";
import { use_rare_cells } from "../store/memory/rare_cells";
import { shared_memory } from "../store/memory/region";
import { load_reports } from "../store/source_status";
import type { Controlled, ControlledServer } from "./controlled";
import { type LoadLimits, Reason } from "./load";
import { takes_part } from "./measure";
import { balance_loads } from "./weights";

/** Updates the weights of an upstream's servers by their loads. */

const PERCENT = 100;

function limits_of(load: LoadConfig): LoadLimits {
  return {
    target: load.target,
    update: seconds_of(load.update),
    blackout: seconds_of(load.blackout),
    expiry: seconds_of(load.expiry),
    max_step: load.max_step_percent / PERCENT,
    min_weight: load.min_weight_percent / PERCENT,
    error_penalty: load.error_penalty,
  };
}

/** Returns whether it has changed. */
function store_factor({ row, incarnation, factor, reason }: ControlledServer): boolean {
  const memory = shared_memory();
  if (memory[row + Row.STAMP] !== incarnation) return false;
  use_rare_cells(row);
  const is_new = memory[row + Row.FACTOR] !== factor;
  memory[row + Row.FACTOR] = factor;
  memory[row + Row.FACTOR_REASON] = reason;
  return is_new;
}

/** Resets the factor of a server that has not shared the requests for a while. */
function release(server: ControlledServer, expiry: number, now: number): void {
  if (now - server.reported_at <= expiry) return;
  server.factor = 1;
  server.reason = server.reported_at === 0 ? Reason.CONFIGURED : Reason.EXPIRED;
}

/** Publishes the capacities from which the factors were computed. */
function report_capacities(
  name: string,
  servers: readonly ControlledServer[],
  median: number | undefined,
): void {
  if (median === undefined) {
    load_reports.forget(name);
    return;
  }
  const capacities: Record<string, number> = {};
  for (const { id, capacity } of servers) {
    if (capacity !== undefined) capacities[string.format("%d", id)] = capacity;
  }
  load_reports.put(name, encode({ median, capacities }));
}

/** Updates the weights of servers whose loads were just measured. O(servers · log servers). */
export function update_weights({ name, row, servers }: Controlled, load: LoadConfig, now: number): void {
  const limits = limits_of(load);
  const sharing: ControlledServer[] = [];
  for (const server of servers) {
    if (takes_part(server)) sharing.push(server);
    else release(server, limits.expiry, now);
  }
  report_capacities(name, sharing, balance_loads(sharing, limits, now));
  let has_changed = false;
  for (const server of servers) {
    if (store_factor(server)) has_changed = true;
  }
  if (has_changed) touch_factors(row);
}
