import { reported_name, reported_state } from "../control/reported";
import { state_name } from "../health/state";
import { Reported, type State } from "../store/cells";
import type { ServerRecord } from "../store/document";
import { row_at } from "../store/region";

/**
 * A server's state as the API shows it: its parameters come first, then what it reports of itself, then its health. One that stands by drains while it has
 * requests, and is down then.
 */
export function shown_state(record: ServerRecord, health: State, active: number): string {
  const { row, down, drain, standby, in_service } = record;
  const reported = reported_state(row_at(row));
  if (down) return "down";
  if (standby === true && in_service !== true && !drain) return active > 0 ? "draining" : "down";
  if (reported === Reported.DOWN) return "down";
  if (drain) return "draining";
  return reported === Reported.UP ? state_name(health) : reported_name(reported);
}
