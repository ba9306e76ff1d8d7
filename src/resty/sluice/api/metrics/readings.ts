import { ADAPTIVE } from "../../config/adaptive_limit";
import { seconds_of } from "../../config/time";
import { is_standing_by, may_serve } from "../../config/server";
import { reported_state } from "../../health/reported";
import type { Moment } from "../../lib/clock";
import { counted_elsewhere, requests_elsewhere } from "../../live/view/elsewhere";
import { slow_start_part } from "../../live/view/weight";
import type { Document } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { type Cell, Row } from "../../store/memory/cells";
import { load_factor, outlier_part } from "../../store/memory/factor";
import { limit_now } from "../../store/memory/limit";
import { has_anomaly } from "../../store/memory/outlier";
import { rare_cells_of } from "../../store/memory/rare_cells";
import { row_at, shared_memory } from "../../store/memory/region";
import { active_requests } from "../../store/memory/rows";
import { Reported, State } from "../../store/memory/states";
import { condition_of, plan_of, state_index } from "../condition";
import { expected_with, hot_from, report_age } from "../least_load";
import { ABSENT } from "./family";

/** What metrics show of a server beside its counters: one list of numbers that is used again and again. */

/** The numbers of a server, without those of `Total`. */
export const enum Value {
  ACTIVE,
  /** An index in `STATES`. */
  STATE,
  MAX_CONNS,
  /** `MAX_CONNS` of a server whose limit is adaptive; `ABSENT`: it is not. */
  ADAPTIVE_LIMIT,
  /** The configured weight, the part of it by `slow_start`, and the factor for the load. */
  CONFIGURED_WEIGHT,
  SLOW_START,
  LOAD,
  /** The part of it that outlier detection leaves, 1 if it has found an anomaly, and how often it has. */
  OUTLIER_PART,
  OUTLIER,
  OUTLIERS,
  CHECKS,
  CHECK_FAILS,
  UNHEALTHY,
  UNAVAIL,
  EJECTIONS,
  /** In seconds. */
  DOWNTIME,
  /** 1 if requests may go to the server but for its health, and 1 if its health keeps them from it. */
  IN_ROTATION,
  UNAVAILABLE,
  /** 1: a standby server that is not in service. */
  STANDS_BY,
  /** With `least_load`: the requests from elsewhere, the expected time, and the age of the last report. */
  ELSEWHERE,
  EXPECTED,
  REPORT_AGE,
}

export const VALUES = Value.REPORT_AGE + 1;

const SAVED_VALUES: [value: Value, cell: Row][] = [
  [Value.CHECKS, Row.CHECKS],
  [Value.CHECK_FAILS, Row.CHECK_FAILS],
  [Value.UNHEALTHY, Row.UNHEALTHY],
  [Value.UNAVAIL, Row.UNAVAIL],
  [Value.EJECTIONS, Row.ALL_EJECTIONS],
  [Value.OUTLIERS, Row.ANOMALIES],
];

function read_health(values: number[], row: Cell, now: Moment): void {
  const memory = shared_memory();
  const rare = rare_cells_of(row);
  for (const [value, cell] of SAVED_VALUES) values[value] = memory[rare + cell];
  const state: State = memory[row + Row.STATE];
  const lasting = state === State.UP ? 0 : math.max(0, now - memory[rare + Row.DOWN_SINCE]);
  // In whole milliseconds, as the cell, so that the sum never falls.
  values[Value.DOWNTIME] = (memory[rare + Row.DOWNTIME] + math.floor(lasting * 1000)) / 1000;
}

/** Reads what `least_load` compares. Times in seconds. */
function read_load(values: number[], { method, row }: Document, server: ServerRecord, now: Moment): void {
  values[Value.ELSEWHERE] = ABSENT;
  values[Value.EXPECTED] = ABSENT;
  values[Value.REPORT_AGE] = ABSENT;
  if (method !== "least_load") return;
  const cells = row_at(server.row);
  const elsewhere = counted_elsewhere(cells, server.weight, hot_from(row_at(row)), now);
  const expected = expected_with(cells, values[Value.ACTIVE] + elsewhere);
  values[Value.ELSEWHERE] = requests_elsewhere(cells, now);
  if (expected !== undefined) values[Value.EXPECTED] = expected / 1000;
  values[Value.REPORT_AGE] = report_age(cells, now) ?? ABSENT;
}

/**
 * Reads the values of a server. Any phase.
 *
 * @param values receives them
 * @param head the document of the upstream, without its servers
 */
export function read_server(values: number[], server: ServerRecord, head: Document, now: Moment): void {
  const memory = shared_memory();
  const row = row_at(server.row);
  const active = active_requests(server.row);
  values[Value.ACTIVE] = active;
  values[Value.STATE] = state_index(condition_of(plan_of(server), row, active));
  values[Value.MAX_CONNS] = limit_now(server, server.row, head.adaptive_limit);
  values[Value.ADAPTIVE_LIMIT] = server.max_conns === ADAPTIVE ? values[Value.MAX_CONNS] : ABSENT;
  values[Value.CONFIGURED_WEIGHT] = server.weight;
  values[Value.SLOW_START] = slow_start_part(row, seconds_of(server.slow_start), now);
  values[Value.LOAD] = head.load === undefined ? 1 : load_factor(row);
  const mode = head.outlier_detection?.mode ?? "eject";
  values[Value.OUTLIER_PART] = mode === "degrade" ? outlier_part(row) : 1;
  values[Value.OUTLIER] = mode !== "eject" && has_anomaly({ row }) ? 1 : 0;
  read_health(values, row, now);
  read_load(values, head, server, now);
  const is_in_rotation = may_serve(server) && reported_state(row) === Reported.UP;
  values[Value.IN_ROTATION] = is_in_rotation ? 1 : 0;
  values[Value.STANDS_BY] = is_standing_by(server) ? 1 : 0;
  values[Value.UNAVAILABLE] = is_in_rotation && memory[row + Row.UNAVAILABLE_UNTIL] > now ? 1 : 0;
}
