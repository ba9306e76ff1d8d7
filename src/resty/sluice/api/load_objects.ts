import { ADAPTIVE } from "../config/adaptive_limit";
import { seconds_of } from "../config/time";
import { Reason } from "../control/load";
import { reason_text } from "../control/weights";
import { reported_name, reported_state } from "../health/reported";
import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { record } from "../lib/json";
import { slow_start_part } from "../live/view/weight";
import type { Document } from "../store/document/document";
import type { ServerRecord } from "../store/document/line";
import { type Cell, Row, type RowNumber, UpstreamRow } from "../store/memory/cells";
import { load_factor, outlier_part } from "../store/memory/factor";
import { limit_now } from "../store/memory/limit";
import { rare_cells_of } from "../store/memory/rare_cells";
import { row_at, shared_memory } from "../store/memory/region";
import type { LoadReport } from "../store/source_status";
import { counted_elsewhere, requests_elsewhere } from "../live/view/elsewhere";
import { expected_with, hot_from, report_age } from "./least_load";

/** The JSON objects of loads: servers' reports, effective weights, and the state of scaling. */

const weight_record = record("effective configured slow_start load outlier capacity median_capacity reason");
const report_record = record("utilization connections rps eps state time accepted refused");
const load_record = record("in_flight elsewhere expected_time report_age hot_from hot");
const limit_record = record("max_conns light_time response_time");
const scaling_record = record("high_since low_since scaled_at call");

/** Rounds to four decimals. */
function rounded(value: number): number {
  return math.floor(value * 10000 + 0.5) / 10000;
}

function reason_of({ load }: Document, { backup }: ServerRecord, row: Cell): string {
  if (load === undefined) return 'the upstream has no "load"';
  const memory = shared_memory();
  const rare = rare_cells_of(row);
  const reason: Reason = memory[rare + Row.FACTOR_REASON];
  if (backup) return "as configured: the weight of a backup server does not follow its load";
  // Reports of other values only are none for the weight.
  if (memory[rare + Row.REPORTS] > 0 && memory[rare + Row.UTILIZATION] < 0)
    return load.utilization === undefined
      ? reason_text(Reason.NO_UTILIZATION)
      : `as configured: no report has had "${load.utilization}"`;
  return reason_text(reason);
}

/** Returns a weight and its factors. `report`: the loads of all servers; undefined: not known. */
export function weight_object(
  document: Document,
  server: ServerRecord,
  report: LoadReport | undefined,
  now: number,
): object {
  const { weight, slow_start } = server;
  const row = row_at(server.row);
  const part = slow_start_part(row, seconds_of(slow_start), now);
  const factor = document.load === undefined ? 1 : load_factor(row);
  const degrades = document.outlier_detection?.mode === "degrade";
  const left = degrades ? outlier_part(row) : 1;
  const capacity = report?.capacities[string.format("%d", server.id)];
  return weight_record({
    effective: rounded(weight * part * factor * left),
    configured: weight,
    slow_start: rounded(part),
    load: rounded(factor),
    outlier: degrades ? rounded(left) : undefined,
    capacity: capacity === undefined ? undefined : rounded(capacity),
    median_capacity: report === undefined ? undefined : rounded(report.median),
    reason: reason_of(document, server, row),
  });
}

function known(value: number): number | undefined {
  return value < 0 ? undefined : value;
}

/** Formats a moment; undefined: it is 0, which means never. */
function moment(time: clock.Moment): string | undefined {
  return time > 0 ? iso8601(clock.wall_time_of(time)) : undefined;
}

/** Returns a server's last report; undefined: it has never reported. */
export function report_object(row_number: RowNumber): object | undefined {
  const memory = shared_memory();
  const row = row_at(row_number);
  const rare = rare_cells_of(row);
  const accepted = memory[rare + Row.REPORTS];
  const refused = memory[rare + Row.BAD_REPORTS];
  if (accepted + refused === 0) return undefined;
  return report_record({
    utilization: known(memory[rare + Row.UTILIZATION]),
    connections: known(memory[rare + Row.CONNECTIONS]),
    rps: known(memory[rare + Row.RPS]),
    eps: known(memory[rare + Row.EPS]),
    state: reported_name(reported_state(row)),
    time: moment(memory[rare + Row.STATE_REPORTED_AT]),
    accepted,
    refused,
  });
}

/** Returns what `least_load` compares of a server. `active`: the requests of this gateway. */
export function load_object(
  head: Document,
  { row, weight }: ServerRecord,
  active: number,
  now: number,
): object {
  const cells = row_at(row);
  const hot = hot_from(row_at(head.row));
  const requests = active + counted_elsewhere(cells, weight, hot, now);
  const time = expected_with(cells, requests);
  const age = report_age(cells, now);
  return load_record({
    in_flight: active,
    elsewhere: rounded(requests_elsewhere(cells, now)),
    expected_time: time === undefined ? undefined : rounded(time),
    report_age: age === undefined ? undefined : rounded(age),
    hot_from: rounded(hot * weight),
    hot: requests / weight > hot,
  });
}

/** Returns the adaptive limit of a server, and what it follows from; undefined: the limit is not adaptive. */
export function limit_object(
  server: ServerRecord,
  { adaptive_limit }: Pick<Document, "adaptive_limit">,
): object | undefined {
  if (server.max_conns !== ADAPTIVE) return undefined;
  const memory = shared_memory();
  const row = row_at(server.row);
  const light = memory[rare_cells_of(row) + Row.LIGHT_TIME];
  return limit_record({
    max_conns: limit_now(server, server.row, adaptive_limit),
    light_time: light > 0 ? rounded(light) : undefined,
    response_time: known(memory[row + Row.RESPONSE_TIME]),
  });
}

/** Returns the state of scaling; undefined: the upstream has no `autoscale`. */
export function scaling_object({ autoscale, call, row }: Document): object | undefined {
  if (autoscale === undefined) return undefined;
  const memory = shared_memory();
  const cells = row_at(row);
  return scaling_record({
    high_since: moment(memory[cells + UpstreamRow.HIGH_SINCE]),
    low_since: moment(memory[cells + UpstreamRow.LOW_SINCE]),
    scaled_at: moment(memory[cells + UpstreamRow.SCALED_AT]),
    call: call?.id,
  });
}
