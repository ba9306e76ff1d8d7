import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { list, record } from "../lib/json";
import { own_generation } from "../live/unlogged";
import type { Document } from "../store/document/document";
import type { ServerRecord } from "../store/document/line";
import { expires, is_expired } from "../store/document/nodes";
import { Row, UpstreamRow } from "../store/memory/cells";
import { rare_cells_of } from "../store/memory/rare_cells";
import { row_at, shared_memory } from "../store/memory/region";
import { Anomaly } from "../store/memory/states";
import { old_places } from "../store/old_places";
import { check_failure, UNPROVEN } from "../store/unproven";
import { member_problems, members_now } from "./split_members";

/** Problems of upstreams and servers that their states do not show. */

const problem_record = record("problem reason");

/** Tells whether the health check has failed and has not passed on any server yet. */
function has_failing_check({ row, health_check }: Document): boolean {
  return health_check !== undefined && shared_memory()[row_at(row) + UpstreamRow.UNPROVEN_SINCE] < 0;
}

/** The problems of an upstream. Any phase. */
export function problem_objects(name: string, document: Document): object[] {
  const memory = shared_memory();
  const problems: object[] = [];
  const unlogged = memory[row_at(document.row) + UpstreamRow.UNLOGGED];
  if (unlogged !== 0 && unlogged >= own_generation()) {
    const reason =
      "requests end without log(): log_by_lua is missing, or a server or location overrides it; " +
      "active, max_conns, least_conn and the statistics are wrong";
    problems.push(problem_record({ problem: "log_missing", reason }));
  }
  if (has_failing_check(document)) {
    const failure = check_failure(name);
    const why = failure === undefined ? "" : `; ${failure}`;
    problems.push(problem_record({ problem: "check_unproven", reason: `${UNPROVEN}${why}` }));
  }
  if (document.split !== undefined) {
    const members = members_now(name, document.split, clock.now());
    for (const problem of member_problems(members)) problems.push(problem_record(problem));
  }
  const misplaced = old_places(name, document);
  if (misplaced !== undefined)
    problems.push(problem_record({ problem: "address_not_allowed", reason: misplaced }));
  return list(problems);
}

/** Returns what outlier detection has found of a server; undefined: nothing. */
function anomaly_of({ outlier_detection }: Document, { row }: ServerRecord): string | undefined {
  const anomaly: Anomaly = shared_memory()[rare_cells_of(row_at(row)) + Row.ANOMALY];
  const mode = outlier_detection?.mode ?? "eject";
  if (anomaly === Anomaly.NONE || mode === "eject") return undefined;
  const what = anomaly === Anomaly.ERRORS ? "error rate" : "latency";
  const effect = mode === "degrade" ? "has taken weight from it" : "reports it";
  return `outlier detection ${effect}, because its ${what} is above that of the other servers`;
}

/** Returns why a server that is up may not be healthy; undefined: there is no such reason. Any phase. */
export function doubt_about(document: Document, server: ServerRecord): string | undefined {
  if (is_expired(server)) {
    const time = iso8601(clock.wall_time_of(expires(server)));
    return `its registration expired at ${time}; the guard keeps the server`;
  }
  const has_failed = shared_memory()[rare_cells_of(row_at(server.row)) + Row.LAST_PASSED] === 0;
  if (!has_failed || !has_failing_check(document)) return anomaly_of(document, server);
  return "its checks fail, but the health check has not passed on any server yet, so it does not make servers unhealthy";
}
