import type { HealthCheckConfig } from "../config/health_check";
import { numbers_in, parse_line } from "../store/document/line";
import { read } from "../store/document/read";
import { Row, UpstreamRow } from "../store/memory/cells";
import { Check } from "../store/memory/states";
import { fence, exclusively } from "../store/memory/dict";
import { record_problem } from "../store/memory/events";
import { rare_cells_of } from "../store/memory/rare_cells";
import { row_at, shared_memory } from "../store/memory/region";
import { conclude } from "../store/memory/state";
import { subject_of, type Subject } from "../store/memory/subject";
import { forget_check_failure, put_check_failure, UNPROVEN } from "../store/unproven";

/**
 * Proof of a health check: it has passed on a server since it was set. The cell of the upstream is then 0.
 * Otherwise it is the revision that set the check, negative once its failures were reported.
 */

/** A health check, to judge its results. */
export interface Judged {
  config: HealthCheckConfig;
  /** The upstream's revision when it was read. */
  revision: number;
}

/**
 * Tells whether a check has not passed on any server yet. With the fence, either this read sees that another
 * worker has proved the check, or that worker sees what the caller wrote before. Any phase.
 */
export function is_unproven({ upstream }: Subject): boolean {
  fence();
  return shared_memory()[upstream.row + UpstreamRow.UNPROVEN_SINCE] !== 0;
}

/** Tells whether a probe belongs to an earlier check than the one that is unproven. Any phase. */
export function is_outdated({ upstream }: Subject, { revision }: Judged): boolean {
  return revision < math.abs(shared_memory()[upstream.row + UpstreamRow.UNPROVEN_SINCE]);
}

/** Takes out the servers on which the check had failed before it passed on another one. */
function take_out_failed({ upstream, server }: Subject, fails: number, now: number): void {
  const memory = shared_memory();
  const document = read(upstream.name);
  if (document === undefined) return;
  for (const line of document.lines) {
    const [, incarnation, row] = numbers_in(line);
    const at = row_at(row);
    const check: Check = memory[at + Row.CHECK];
    const has_failed = memory[rare_cells_of(at) + Row.CHECK_RESULTS] <= -fails && check !== Check.FAILED;
    if (has_failed && memory[at + Row.STAMP] === incarnation) {
      memory[at + Row.CHECK] = Check.FAILED;
      memory[at + Row.CHECK_RESULTS] = 0;
      const subject = subject_of(upstream.name, document.row, parse_line(line));
      conclude(subject, now, `its checks have failed, and the check has passed on ${server}`);
    }
  }
}

/** Notes that a check has passed. `now`: the monotonic clock. Any phase. */
export function prove(subject: Subject, { config }: Judged, now: number): void {
  const { upstream, server } = subject;
  const memory = shared_memory();
  const cell = upstream.row + UpstreamRow.UNPROVEN_SINCE;
  if (memory[cell] === 0) return;
  const was_reported = memory[cell] < 0;
  memory[cell] = 0;
  if (was_reported) {
    forget_check_failure(upstream.name);
    const what = `the health check has passed on ${server} and takes effect now`;
    ngx.log(ngx.NOTICE, `sluice: upstream ${upstream.name}: ${what}`);
  }
  fence();
  take_out_failed(subject, config.fails, now);
}

/** Reports, once for each setting of a check, that an unproven check would take a server out. Any phase. */
export function withhold(subject: Subject, reason: string): void {
  const { upstream, server } = subject;
  const failure = `${server}: ${reason}`;
  put_check_failure(upstream.name, failure);
  const memory = shared_memory();
  const cell = upstream.row + UpstreamRow.UNPROVEN_SINCE;
  exclusively(() => {
    if (memory[cell] <= 0) return;
    memory[cell] = -memory[cell];
    const reason = `${UNPROVEN}; ${failure}`;
    record_problem(ngx.WARN, { upstream: upstream.name, problem: "check_unproven", reason });
  });
}
