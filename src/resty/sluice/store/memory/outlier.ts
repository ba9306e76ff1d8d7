import { Row, UpstreamRow } from "./cells";
import { exclusively } from "./dict";
import { record_problem } from "./events";
import { touch_factors } from "./factor";
import { has_rare_cells, rare_cells_of, use_rare_cells } from "./rare_cells";
import { shared_memory, touch_health } from "./region";
import { Anomaly, OutlierMode } from "./states";
import type { Subject } from "./subject";

/**
 * What outlier detection has noted of servers that it does not eject, in cells that all workers share. A
 * worker that has not yet followed a change of the mode notes nothing: the writer has cleared the cells.
 */

/** Tells whether the row still belongs to the server, and its upstream still has the mode. */
function is_current(subject: Subject, mode: OutlierMode): boolean {
  const memory = shared_memory();
  const current: OutlierMode = memory[subject.upstream.row + UpstreamRow.OUTLIER_MODE];
  return memory[subject.row + Row.STAMP] === subject.incarnation && current === mode;
}

/** Tells whether an anomaly of a server is noted. */
export function has_anomaly({ row }: Pick<Subject, "row">): boolean {
  const anomaly: Anomaly = shared_memory()[rare_cells_of(row) + Row.ANOMALY];
  return anomaly !== Anomaly.NONE;
}

/** Notes that a server is an outlier, with the part of its weight that it keeps. Phase: timer. */
export function note_anomaly(
  subject: Subject,
  mode: OutlierMode,
  anomaly: Anomaly,
  part: number,
  now: number,
  reason: string,
): void {
  const memory = shared_memory();
  const { row, upstream, id, server } = subject;
  if (!is_current(subject, mode)) return;
  use_rare_cells(row);
  exclusively(() => {
    if (!is_current(subject, mode)) return;
    const is_new = !has_anomaly(subject);
    memory[row + Row.ANOMALY] = anomaly;
    memory[row + Row.OUTLIER_PART] = part;
    if (!is_new) return;
    memory[row + Row.ANOMALOUS_SINCE] = now;
    memory[row + Row.ANOMALIES] = memory[row + Row.ANOMALIES] + 1;
    const what = mode === OutlierMode.DEGRADE ? "it loses weight step by step" : "its weight stays";
    record_problem(ngx.WARN, {
      upstream: upstream.name,
      id,
      server,
      problem: "outlier_detected",
      reason: `${reason}: ${what}`,
    });
  });
}

/** Notes the part of its weight that a server has regained; 1: it is no longer an outlier. Phase: timer. */
export function note_recovery(subject: Subject, mode: OutlierMode, part: number): void {
  const memory = shared_memory();
  const { row, upstream, id, server } = subject;
  exclusively(() => {
    if (!is_current(subject, mode) || !has_anomaly(subject)) return;
    memory[row + Row.OUTLIER_PART] = part;
    if (part < 1) return;
    memory[row + Row.ANOMALY] = Anomaly.NONE;
    memory[row + Row.OUTLIER_PART] = 0;
    const reason = mode === OutlierMode.DEGRADE ? "it has regained its weight" : "it is no longer an outlier";
    record_problem(ngx.NOTICE, {
      upstream: upstream.name,
      id,
      server,
      problem: "outlier_ended",
      reason,
    });
  });
}

/**
 * Reports that a server would be ejected, once for the time of an ejection. Any phase.
 *
 * @param time the duration of that ejection, in seconds
 */
export function report_ejection(subject: Subject, now: number, time: number, reason: string): void {
  const memory = shared_memory();
  const { row, upstream, id, server } = subject;
  // Most calls end here: with a server that always fails, they are frequent.
  use_rare_cells(row);
  if (memory[row + Row.REPORTED_UNTIL] > now) return;
  exclusively(() => {
    if (!is_current(subject, OutlierMode.DETECT) || memory[row + Row.REPORTED_UNTIL] > now) return;
    memory[row + Row.REPORTED_UNTIL] = now + time;
    memory[row + Row.ANOMALIES] = memory[row + Row.ANOMALIES] + 1;
    record_problem(ngx.WARN, {
      upstream: upstream.name,
      id,
      server,
      problem: "ejection_reported",
      reason: `${reason}: it would be ejected for ${time} s`,
    });
  });
  touch_health();
}

/** Forgets that a server is an outlier, because the mode of its upstream has changed. Any phase. */
export function clear_outlier({ row, incarnation, upstream }: Subject): void {
  const memory = shared_memory();
  let had_part = false;
  exclusively(() => {
    if (memory[row + Row.STAMP] !== incarnation || !has_rare_cells(row)) return;
    had_part = memory[row + Row.OUTLIER_PART] !== 0;
    memory[row + Row.OUTLIER_PART] = 0;
    memory[row + Row.ANOMALY] = Anomaly.NONE;
    memory[row + Row.REPORTED_UNTIL] = 0;
  });
  if (had_part) touch_factors(upstream.row);
}
