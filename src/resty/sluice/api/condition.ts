import { is_standing_by, type ServerConfig } from "../config/server";
import { type Cell, Row } from "../store/memory/cells";
import { shared_memory } from "../store/memory/region";
import { Reported, State } from "../store/memory/states";

/**
 * The condition of a server: its state in the API, and what has put it there. Its parameters take precedence
 * over its own report, and that over health.
 */

/** What the parameters of a server say about requests to it. */
export const enum Plan {
  SERVES,
  DRAINS,
  STANDS_BY,
  DOWN,
}

/** The conditions, the worst first. */
export const enum Condition {
  UNHEALTHY,
  UNAVAIL,
  CHECKING,
  /** By its own report. */
  DOWN,
  DRAINING,
  /** By configuration. */
  SET_DRAINING,
  SET_DOWN,
  UP,
}

/** The number of conditions. */
export const CONDITIONS = Condition.UP + 1;

/** The states in the order in which they are shown. */
export const STATES = ["up", "draining", "down", "checking", "unavail", "unhealthy"] as const;
/** The index in `STATES` of each condition. */
const STATE_OF = [5, 4, 3, 2, 1, 1, 2, 0];
/** The index of "unavail" in `STATES`. */
export const UNAVAIL = 4;

/** Returns what the parameters of a server say. */
export function plan_of(server: ServerConfig): Plan {
  if (server.down) return Plan.DOWN;
  if (server.drain) return Plan.DRAINS;
  return is_standing_by(server) ? Plan.STANDS_BY : Plan.SERVES;
}

/**
 * Returns the condition of a server. A standby server that is not in service drains while it has active
 * requests. Any phase.
 */
export function condition_of(plan: Plan, row: Cell, active: number): Condition {
  const memory = shared_memory();
  const reported: Reported = memory[row + Row.REPORTED_STATE];
  if (plan === Plan.DOWN) return Condition.SET_DOWN;
  if (plan === Plan.STANDS_BY) return active > 0 ? Condition.SET_DRAINING : Condition.SET_DOWN;
  if (reported === Reported.DOWN) return Condition.DOWN;
  if (plan === Plan.DRAINS) return Condition.SET_DRAINING;
  if (reported !== Reported.UP) return Condition.DRAINING;
  const state: State = memory[row + Row.STATE];
  if (state === State.UP) return Condition.UP;
  if (state === State.UNHEALTHY) return Condition.UNHEALTHY;
  return state === State.UNAVAIL ? Condition.UNAVAIL : Condition.CHECKING;
}

/** Returns the index of a condition's state in `STATES`. */
export function state_index(condition: Condition): number {
  return STATE_OF[condition];
}

const PERCENT = 100;

/**
 * Tells whether an upstream ignores health because too few servers are available, as `survey` in `live/`
 * decides.
 *
 * @param size the number of its servers without standby servers
 * @param in_rotation the number of servers that may get requests but for their health
 * @param unavailable the number of those whose health keeps requests from them
 * @param unavail the number of servers in the state "unavail"
 */
export function ignores_health(
  panic_threshold: number,
  size: number,
  in_rotation: number,
  unavailable: number,
  unavail: number,
): boolean {
  const percent = in_rotation === 0 ? 0 : (unavailable * PERCENT) / in_rotation;
  const spares_only_server = size === 1 && unavail === 1;
  return PERCENT - percent < panic_threshold || spares_only_server;
}
