import { is_standing_by } from "../config/server";
import { reported_name, reported_state } from "../health/reported";
import { state_name } from "../health/state";
import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { shape, shaped } from "../lib/json";
import type { ServerRecord } from "../store/document/document";
import { type Cell, Reported, Row, type RowNumber, State } from "../store/memory/cells";
import { row_at, shared_memory } from "../store/memory/region";

/** A server's state as the API shows it: its parameters come first, then what it reports of itself, then its health. */

/** A state, and why, for people. */
type Explained = LuaMultiReturn<[string, string]>;

function until(row: Cell): string {
  const time = shared_memory()[row + Row.UNAVAILABLE_UNTIL];
  return time === math.huge ? "" : `, until ${iso8601(clock.wall_time_of(time))}`;
}

function why_not_up(row: Cell, state: State): string {
  if (state === State.UNHEALTHY) return "its checks have failed";
  if (state === State.CHECKING) return "its first check has not passed yet";
  const memory = shared_memory();
  if (memory[row + Row.EJECTED_UNTIL] > 0) return `outlier detection has ejected it${until(row)}`;
  return `${memory[row + Row.FAILS]} requests have failed${until(row)}`;
}

function by_health(row: Cell): Explained {
  const state: State = shared_memory()[row + Row.STATE];
  return $multi(state_name(state), state === State.UP ? "nothing is wrong with it" : why_not_up(row, state));
}

/** `active`: how many requests it has under way. One that stands by drains while it has some, and is down then. */
export function explained_state(record: ServerRecord, active: number): Explained {
  const row = row_at(record.row);
  const reported = reported_state(row);
  const said = "it has reported so";
  if (record.down) return $multi("down", '"down" is set');
  if (!record.drain && is_standing_by(record))
    return $multi(active > 0 ? "draining" : "down", "it stands by");
  if (reported === Reported.DOWN) return $multi(reported_name(reported), said);
  if (record.drain) return $multi("draining", '"drain" is set');
  if (reported !== Reported.UP) return $multi(reported_name(reported), said);
  return by_health(row);
}

const CHECK = shape(["status", "checks", "fails"]);

/** What the active checks of a server have said: the last one, and all of them. Undefined: there was none. */
export function check_object(row_number: RowNumber): object | undefined {
  const memory = shared_memory();
  const row = row_at(row_number);
  const last = memory[row + Row.LAST_PASSED];
  if (last < 0) return undefined;
  const status = last === 1 ? "passed" : "failed";
  return shaped({ status, checks: memory[row + Row.CHECKS], fails: memory[row + Row.CHECK_FAILS] }, CHECK);
}
