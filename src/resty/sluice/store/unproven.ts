import { in_order } from "../config/block";
import { HEALTH_CHECK, type HealthCheckConfig } from "../config/health_check";
import { encode } from "../lib/json";
import type { Document } from "./document/document";
import { numbers_in } from "./document/line";
import { Row, type RowNumber, UpstreamRow } from "./memory/cells";
import { Check } from "./memory/states";
import { delete_report, get_report, put_report } from "./memory/dict";
import { has_rare_cells } from "./memory/rare_cells";
import { row_at, shared_memory, touch_health } from "./memory/region";

/**
 * Unproven health checks: new or changed checks that have not passed on any server yet. The mistake may be in
 * the check, so until it passes once it takes no server out. A `mandatory` check is an exception: its servers
 * wait for it in any case.
 *
 * The upstream's cell holds the revision that set the check: a probe of an earlier check proves nothing. A
 * restart loses the cell. Then the verdicts decide, so the good verdicts of the previous check must not
 * outlive it.
 */

/** Tells users why the servers on which an unproven check fails stay in service. */
export const UNPROVEN =
  "the health check has not passed on any server since it was set, so it does not make servers unhealthy";

function key_of(name: string): string {
  return `check:${name}`;
}

function text_of(health_check: HealthCheckConfig | undefined): string {
  return health_check === undefined ? "" : encode(in_order(HEALTH_CHECK, health_check));
}

/** Forgets the good verdicts, and the results since the last verdict. The servers' states stay. */
function forget_results(lines: readonly string[]): void {
  const memory = shared_memory();
  for (const line of lines) {
    const [, , row] = numbers_in(line);
    const at = row_at(row);
    const check: Check = memory[at + Row.CHECK];
    if (check === Check.PASSED) memory[at + Row.CHECK] = Check.NONE;
    if (has_rare_cells(at)) memory[at + Row.CHECK_RESULTS] = 0;
  }
}

/** Records a new health check. Under the write lock, before the change is published. */
export function note_check_change(current: Document | undefined, next: Document): void {
  const { health_check, row, revision, lines } = next;
  if (text_of(health_check) === text_of(current?.health_check)) return;
  const is_unproven = health_check !== undefined && !health_check.mandatory;
  shared_memory()[row_at(row) + UpstreamRow.UNPROVEN_SINCE] = is_unproven ? revision : 0;
  if (!is_unproven) return;
  forget_results(lines);
  // The saved verdicts of the previous check would prove this one after a restart.
  touch_health();
}

/** Determines after a restart whether a check is proven, from the verdicts of its servers. */
export function restore_proof(
  { health_check, row }: Document,
  servers: readonly { readonly row: RowNumber }[],
): void {
  if (health_check === undefined || health_check.mandatory) return;
  const memory = shared_memory();
  let is_proven = false;
  for (const server of servers) {
    const check: Check = memory[row_at(server.row) + Row.CHECK];
    if (check === Check.PASSED) is_proven = true;
  }
  memory[row_at(row) + UpstreamRow.UNPROVEN_SINCE] = is_proven ? 0 : 1;
}

/** Keeps the reason why an unproven check fails, for the API. Any phase. */
export function put_check_failure(name: string, text: string): void {
  if (get_report(key_of(name)) !== text) put_report(key_of(name), text);
}

/** Returns why an unproven check fails; undefined: it has not failed, or is proven. Any phase. */
export function check_failure(name: string): string | undefined {
  return get_report(key_of(name));
}

/** Forgets why a check has failed. Any phase. */
export function forget_check_failure(name: string): void {
  delete_report(key_of(name));
}
