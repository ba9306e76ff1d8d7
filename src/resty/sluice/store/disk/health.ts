import * as clock from "../../lib/clock";
import { decode, encode, is_table, shape, shaped } from "../../lib/json";
import type { Result } from "../../lib/result";
import { whole_lines } from "../../lib/text";
import { NO_ID, Row, type RowNumber } from "../memory/cells";
import { Header } from "../memory/header_cells";
import { Lock, release, try_acquire } from "../memory/lock";
import { cut_file, read_file, write_at } from "../memory/posix";
import { rare_cells_of, use_rare_cells } from "../memory/rare_cells";
import { row_at, shared_memory } from "../memory/region";
import { format_health_end, read_health_number } from "./health_file";
import { seal } from "./sealed";

/**
 * The health of servers on disk, for the next start: two files, written in turn, with a line for each server
 * whose health differs from that of a new server. A file counts when its last line repeats the number of its
 * first line and no line is damaged. Without such a file all servers start as new ones.
 *
 * Moments are saved as ages: seconds before the time of writing; the age of a future moment is negative. The
 * first line holds the monotonic clock and the boot id of the machine. Within one boot, the time until the
 * next start is added. After a reboot that time is unknown, and the ages continue from their saved values.
 */

/** The saved cells of a row: name, cell, value of a new row, and whether it is a moment. */
const SAVED: [name: string, cell: Row, fresh: number, is_moment: boolean][] = [
  ["state", Row.STATE, 0, false],
  ["unavailable_until", Row.UNAVAILABLE_UNTIL, 0, true],
  ["fails", Row.FAILS, 0, false],
  ["failed_at", Row.FAILED_AT, 0, true],
  ["tried_at", Row.TRIED_AT, 0, true],
  ["unavail", Row.UNAVAIL, 0, false],
  ["down_since", Row.DOWN_SINCE, 0, true],
  ["downtime", Row.DOWNTIME, 0, false],
  ["started_at", Row.STARTED_AT, 0, true],
  ["check", Row.CHECK, 0, false],
  ["check_results", Row.CHECK_RESULTS, 0, false],
  ["checks", Row.CHECKS, 0, false],
  ["check_fails", Row.CHECK_FAILS, 0, false],
  ["unhealthy", Row.UNHEALTHY, 0, false],
  ["last_passed", Row.LAST_PASSED, -1, false],
  ["ejected_until", Row.EJECTED_UNTIL, 0, true],
  ["ejection_ended", Row.EJECTION_ENDED, 0, true],
  ["ejections", Row.EJECTIONS, 0, false],
  ["all_ejections", Row.ALL_EJECTIONS, 0, false],
  ["errors_5xx", Row.ERRORS_5XX, 0, false],
  ["errors_gateway", Row.ERRORS_GATEWAY, 0, false],
  ["outlier_part", Row.OUTLIER_PART, 0, false],
  ["anomaly", Row.ANOMALY, 0, false],
  ["anomalous_since", Row.ANOMALOUS_SINCE, 0, true],
  ["anomalies", Row.ANOMALIES, 0, false],
  ["reported_state", Row.REPORTED_STATE, 0, false],
  ["leave_at", Row.LEAVE_AT, 0, true],
];
const fields = ["incarnation", "id"];
for (const [name] of SAVED) fields.push(name);
const LINE = shape(fields);
const FIRST_LINE = shape(["health", "clock", "boot"]);
/** Replaces infinity, which JSON does not have. */
const INFINITE = "infinite";
const ROWS_A_PIECE = 1024;

/** Returns the value to save for a cell. */
function saved_value(is_moment: boolean, value: number, now: clock.Moment): unknown {
  if (value === math.huge) return INFINITE;
  // JSON numbers here have microseconds at most.
  return is_moment ? math.floor((now - value) * 1e6 + 0.5) / 1e6 : value;
}

/** Restores a cell. `saved_at`: undefined for version 0.1.0, which saved moments as times of day. */
function restored_value(
  is_moment: boolean,
  saved: unknown,
  saved_at: clock.Moment | undefined,
): number | undefined {
  if (saved === INFINITE) return math.huge;
  if (typeof saved !== "number") return undefined;
  if (!is_moment) return saved;
  return saved_at === undefined ? clock.moment_of(saved) : saved_at - saved;
}

/** Returns the line of a row; undefined when it equals a new row. */
function line_of(row: RowNumber, now: clock.Moment): string | undefined {
  const memory = shared_memory();
  const at = row_at(row);
  if (memory[at + Row.STAMP] === 0 || memory[at + Row.ID] === NO_ID) return undefined;
  const rare = rare_cells_of(at);
  const saved: Record<string, unknown> = {};
  let is_fresh = true;
  for (const [name, cell, fresh, is_moment] of SAVED) {
    const value = memory[cell < Row.COMMON ? at + cell : rare + cell];
    if (value !== fresh) {
      is_fresh = false;
      saved[name] = saved_value(is_moment, value, now);
    }
  }
  if (is_fresh) return undefined;
  saved.incarnation = memory[at + Row.STAMP];
  saved.id = memory[at + Row.ID];
  return seal(encode(shaped(saved, LINE)));
}

function write_all(fd: number, revision: number, pause: (this: void) => void): string | undefined {
  const memory = shared_memory();
  const now = clock.now();
  let offset = 0;
  let parts = [seal(encode(shaped({ health: revision, clock: now, boot: clock.boot_id() }, FIRST_LINE)))];
  let lines = 0;
  const last = memory[Header.NEXT_ROW] - 1;
  for (const row of $range(1, last)) {
    const line = line_of(row as RowNumber, now);
    if (line !== undefined) parts.push(line);
    if (row === last) parts.push(format_health_end(revision, lines + parts.length));
    if (row === last || row % ROWS_A_PIECE === 0) {
      const text = table.concat(parts);
      const [written, cause] = write_at(fd, text, offset);
      if (written === undefined) return cause;
      offset += text.length;
      lines += parts.length;
      parts = [];
      pause();
    }
  }
  return undefined;
}

function save(pause: (this: void) => void): string | undefined {
  const memory = shared_memory();
  const revision = memory[Header.HEALTH_REVISION];
  const fd = memory[Header.OTHER_HEALTH_FD];
  const [cut, cut_cause] = cut_file(fd, 0);
  const cause = cut === undefined ? cut_cause : write_all(fd, revision, pause);
  if (cause !== undefined) return cause;
  memory[Header.OTHER_HEALTH_FD] = memory[Header.HEALTH_FD];
  memory[Header.HEALTH_FD] = fd;
  memory[Header.SAVED_HEALTH_REVISION] = revision;
  return undefined;
}

/** Saves the servers' health if it has changed and no other process is saving it. Phase: timer. */
export function save_health(pause: (this: void) => void): Result<true> {
  const memory = shared_memory();
  const is_saved = memory[Header.HEALTH_REVISION] === memory[Header.SAVED_HEALTH_REVISION];
  if (memory[Header.HEALTH_FD] === 0 || is_saved || !try_acquire(Lock.HEALTH)) return $multi(true, undefined);
  const [returned, result] = pcall(save, pause);
  release(Lock.HEALTH);
  const cause = returned ? result : tostring(result);
  if (cause !== undefined) return $multi(undefined, `could not save the servers' health: ${cause}`);
  return $multi(true, undefined);
}

/** A health that was saved, and the incarnation and the id of its server. */
interface SavedHealth extends Record<string, unknown> {
  incarnation: number;
  id: number;
}

type Healths = LuaTable<number, SavedHealth | undefined>;

/** Returns the saved healths by incarnation, then by id. Few servers of many have one. */
function healths_in(text: string): LuaTable<number, Healths | undefined> {
  const healths = new LuaTable<number, Healths | undefined>();
  for (const line of whole_lines(text)) {
    const [saved] = decode(line);
    const { incarnation, id } = is_table(saved) ? saved : {};
    if (typeof incarnation === "number" && typeof id === "number") {
      const by_id = healths.get(incarnation) ?? new LuaTable<number, SavedHealth | undefined>();
      by_id.set(id, saved as SavedHealth);
      healths.set(incarnation, by_id);
    }
  }
  return healths;
}

/**
 * Returns when a file with this first line was written, by the monotonic clock; now, if the machine was
 * rebooted since. Undefined: version 0.1.0 wrote it.
 */
function moment_of_saving(first: string): clock.Moment | undefined {
  const [saved] = decode(first);
  const { clock: moment, boot } = (is_table(saved) ? saved : {}) as { clock?: unknown; boot?: unknown };
  if (typeof moment !== "number") return undefined;
  const now = clock.now();
  return boot !== undefined && boot === clock.boot_id() ? math.min(moment, now) : now;
}

function restore(text: string): void {
  const memory = shared_memory();
  const saved_at = moment_of_saving(string.match(text, "^[^\n]*")[0]);
  const healths = healths_in(text);
  for (const row of $range(1, memory[Header.NEXT_ROW] - 1)) {
    const at = row_at(row as RowNumber);
    const saved = healths.get(memory[at + Row.STAMP])?.get(memory[at + Row.ID]);
    if (saved !== undefined) {
      use_rare_cells(at);
      for (const [name, cell, fresh, is_moment] of SAVED) {
        memory[at + cell] = restored_value(is_moment, saved[name], saved_at) ?? fresh;
      }
      // The server could not report while nginx was down, so its time to report starts again now.
      memory[at + Row.STATE_REPORTED_AT] = clock.now();
    }
  }
}

/** Restores the saved health of the servers, which have rows already. Phase: init_by_lua. */
export function load_health(): void {
  const memory = shared_memory();
  let newest = 0;
  let newest_text = "";
  for (const index of $range(0, 1)) {
    const [text] = read_file(memory[index === 0 ? Header.HEALTH_FD : Header.OTHER_HEALTH_FD]);
    const [revision, flaw] = read_health_number(text ?? "");
    if (flaw !== undefined && text !== "")
      ngx.log(ngx.WARN, `sluice: health.${index}: ${flaw}; the servers' health in this file is ignored`);
    if (text !== undefined && revision !== undefined && revision > newest) {
      newest = revision;
      newest_text = text;
      if (index === 1) {
        const fd = memory[Header.HEALTH_FD];
        memory[Header.HEALTH_FD] = memory[Header.OTHER_HEALTH_FD];
        memory[Header.OTHER_HEALTH_FD] = fd;
      }
    }
  }
  restore(newest_text);
  memory[Header.HEALTH_REVISION] = newest;
  memory[Header.SAVED_HEALTH_REVISION] = newest;
}
