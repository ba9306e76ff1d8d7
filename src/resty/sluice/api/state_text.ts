import { is_standing_by } from "../config/server";
import { reported_state } from "../health/reported";
import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { record } from "../lib/json";
import type { Document } from "../store/document/document";
import type { ServerRecord } from "../store/document/line";
import { type Cell, Row, type RowNumber } from "../store/memory/cells";
import { Anomaly, Reported, State } from "../store/memory/states";
import { reason_of } from "../store/memory/reasons";
import { rare_cells_of } from "../store/memory/rare_cells";
import { row_at, shared_memory } from "../store/memory/region";
import { Condition, condition_of, Plan, plan_of, state_index, STATES } from "./condition";

/** The state of a server in words. */

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

/** Says why health keeps requests from a server. `kept`: the reason of the last change of its state. */
function why_not_up(row: Cell, condition: Condition, kept: string | undefined): string {
  if (condition === Condition.UNHEALTHY) return kept ?? "its health checks have failed";
  if (condition === Condition.CHECKING) return "its first health check has not passed yet";
  return `${kept ?? why_unavailable(row)}${until(row)}`;
}

function why({ row, incarnation }: ServerRecord, plan: Plan, condition: Condition): string {
  if (condition === Condition.SET_DOWN || condition === Condition.SET_DRAINING) {
    if (plan === Plan.STANDS_BY) return "it is a standby server that is not in service";
    return condition === Condition.SET_DOWN ? '"down" is set' : '"drain" is set';
  }
  if (condition === Condition.DOWN || condition === Condition.DRAINING) return "it has reported this state";
  if (condition === Condition.UP) return "it is healthy";
  return why_not_up(row_at(row), condition, reason_of(row, incarnation));
}

/** Returns the state of a server, and the reason in words. `active`: its active requests. Any phase. */
export function explained_state(server: ServerRecord, active: number): LuaMultiReturn<[string, string]> {
  const plan = plan_of(server);
  const condition = condition_of(plan, row_at(server.row), active);
  return $multi(STATES[state_index(condition)], why(server, plan, condition));
}

/** Returns since when a server has not been up; undefined: it is, or its parameters keep it from serving. */
export function since_of(server: ServerRecord): string | undefined {
  if (server.down || server.drain || is_standing_by(server)) return undefined;
  const memory = shared_memory();
  const row = row_at(server.row);
  const state: State = memory[row + Row.STATE];
  const has_reported = reported_state(row) !== Reported.UP;
  if (!has_reported && state === State.UP) return undefined;
  const since = memory[rare_cells_of(row) + (has_reported ? Row.REPORTED_SINCE : Row.DOWN_SINCE)];
  return since > 0 ? iso8601(clock.wall_time_of(since)) : undefined;
}

const outlier_record = record("anomaly since");
const ANOMALIES = ["", "errors", "latency"];

/** Returns the anomaly that outlier detection has found; undefined: there is none, or it looks for none. */
export function outlier_object({ outlier_detection }: Document, { row }: ServerRecord): object | undefined {
  const memory = shared_memory();
  const cells = rare_cells_of(row_at(row));
  const anomaly: Anomaly = memory[cells + Row.ANOMALY];
  if (anomaly === Anomaly.NONE || (outlier_detection?.mode ?? "eject") === "eject") return undefined;
  const since = iso8601(clock.wall_time_of(memory[cells + Row.ANOMALOUS_SINCE]));
  return outlier_record({ anomaly: ANOMALIES[anomaly], since });
}

const check_record = record("status checks fails");

/** Returns the results of a server's health checks; undefined: there has been none. */
export function check_object(row_number: RowNumber): object | undefined {
  const memory = shared_memory();
  const row = rare_cells_of(row_at(row_number));
  const last = memory[row + Row.LAST_PASSED];
  if (last < 0) return undefined;
  const status = last === 1 ? "passed" : "failed";
  return check_record({ status, checks: memory[row + Row.CHECKS], fails: memory[row + Row.CHECK_FAILS] });
}
