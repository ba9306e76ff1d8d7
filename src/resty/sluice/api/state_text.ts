import { is_standing_by } from "../config/server";
import { reported_name, reported_state } from "../health/reported";
import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { record } from "../lib/json";
import type { ServerRecord } from "../store/document/line";
import { type Cell, Row, type RowNumber } from "../store/memory/cells";
import { Reported, State } from "../store/memory/states";
import { reason_of } from "../store/memory/reasons";
import { row_at, shared_memory } from "../store/memory/region";
import { state_name } from "../store/memory/state";

/** The state of a server: its parameters take precedence over its own report, and that over health. */

/** A state, and the reason in words. */
type Explained = LuaMultiReturn<[string, string]>;

/** Says until when an unavailable server gets no requests. */
function until(row: Cell): string {
  const time = shared_memory()[row + Row.UNAVAILABLE_UNTIL];
  if (time === math.huge) return "";
  if (time <= clock.now()) return "; the next request to it is a trial";
  return `; it gets no requests until ${iso8601(clock.wall_time_of(time))}`;
}

function why_unavailable(row: Cell): string {
  const memory = shared_memory();
  if (memory[row + Row.EJECTED_UNTIL] > 0) return "outlier detection has ejected it";
  const fails = memory[row + Row.FAILS];
  return `${fails} ${fails === 1 ? "request has" : "requests have"} failed`;
}

/** Says why a server is not up. `kept`: the reason of the last change of its state, if it is known. */
function why_not_up(row: Cell, state: State, kept: string | undefined): string {
  if (state === State.UNHEALTHY) return kept ?? "its health checks have failed";
  if (state === State.CHECKING) return "its first health check has not passed yet";
  return `${kept ?? why_unavailable(row)}${until(row)}`;
}

function by_health({ row: number, incarnation }: ServerRecord): Explained {
  const row = row_at(number);
  const state: State = shared_memory()[row + Row.STATE];
  if (state === State.UP) return $multi(state_name(state), "it is healthy");
  return $multi(state_name(state), why_not_up(row, state, reason_of(number, incarnation)));
}

/** Returns the state of a server. With active requests, a standby server is draining, else down. */
export function explained_state(server: ServerRecord, active: number): Explained {
  const row = row_at(server.row);
  const reported = reported_state(row);
  const said = "it has reported this state";
  if (server.down) return $multi("down", '"down" is set');
  if (!server.drain && is_standing_by(server))
    return $multi(active > 0 ? "draining" : "down", "it is a standby server that is not in service");
  if (reported === Reported.DOWN) return $multi(reported_name(reported), said);
  if (server.drain) return $multi("draining", '"drain" is set');
  if (reported !== Reported.UP) return $multi(reported_name(reported), said);
  return by_health(server);
}

/** Returns since when a server has not been up; undefined: it is, or its parameters keep it from serving. */
export function since_of(server: ServerRecord): string | undefined {
  if (server.down || server.drain || is_standing_by(server)) return undefined;
  const memory = shared_memory();
  const row = row_at(server.row);
  const state: State = memory[row + Row.STATE];
  const has_reported = reported_state(row) !== Reported.UP;
  if (!has_reported && state === State.UP) return undefined;
  const since = memory[row + (has_reported ? Row.REPORTED_SINCE : Row.DOWN_SINCE)];
  return since > 0 ? iso8601(clock.wall_time_of(since)) : undefined;
}

const check_record = record("status checks fails");

/** Returns the results of a server's health checks; undefined: there has been none. */
export function check_object(row_number: RowNumber): object | undefined {
  const memory = shared_memory();
  const row = row_at(row_number);
  const last = memory[row + Row.LAST_PASSED];
  if (last < 0) return undefined;
  const status = last === 1 ? "passed" : "failed";
  return check_record({ status, checks: memory[row + Row.CHECKS], fails: memory[row + Row.CHECK_FAILS] });
}
