import { Row, UpstreamRow } from "../store/cells";
import { get_names, get_text } from "../store/dict";
import { parse_head } from "../store/document";
import { row_at, shared_memory } from "../store/region";
import { is_over } from "../store/turn";
import { picks_of } from "./measure";

/**
 * How often servers were chosen in the last minute. Once a minute it is noted how often each had been by then, a part of
 * the upstreams each second; between two notes the minute before counts by the part of it that is not over a minute ago.
 */

const MINUTE = 60;
/** 0 would do, but without OpenResty's patches nginx warns of it. */
const PAUSE_SECONDS = 0.001;
const NAMES_AT_ONCE = 50;

/** The upstreams whose turn comes in this minute. */
let waiting: string[] = [];
let names_a_second = 0;
let round_began = 0;
let is_running = false;

/** Begins a new minute of an upstream. O(servers). */
function begin_minute(name: string, now: number): void {
  const text = get_text(name);
  if (text === undefined) return;
  const memory = shared_memory();
  const [head, start] = parse_head(text);
  // Whoever counted before this worker has just done it: what he noted must not count as that of a whole minute.
  if (now - memory[row_at(head.row) + UpstreamRow.MINUTE_AT] < MINUTE / 2) return;
  memory[row_at(head.row) + UpstreamRow.MINUTE_AT] = now;
  for (const [line_incarnation, line_row] of string.gmatch(
    string.sub(text, start),
    "%d+ (%d+) (%d+) [^\n]+",
  )) {
    const row = tonumber(line_row) as number;
    const cells = row_at(row);
    memory[cells + Row.PICKS_BEFORE] = memory[cells + Row.PICKS];
    memory[cells + Row.PICKS] = picks_of(row, tonumber(line_incarnation) as number);
  }
}

function begin_minutes(this: void): void {
  const now = ngx.now();
  if (waiting.length === 0 && now - round_began >= MINUTE) {
    waiting = get_names();
    names_a_second = math.ceil(waiting.length / MINUTE);
    round_began = now;
  }
  for (const number of $range(1, names_a_second)) {
    const name = waiting.pop();
    if (name === undefined) return;
    begin_minute(name, ngx.now());
    if (number % NAMES_AT_ONCE === 0) ngx.sleep(PAUSE_SECONDS);
  }
}

/** Notes how often the servers of some upstreams have been chosen. Phase: timer, once a second. */
export function count_picks(): void {
  if (is_running || is_over()) return;
  is_running = true;
  const [returned, failure] = pcall(begin_minutes);
  is_running = false;
  if (!returned) ngx.log(ngx.ERR, `sluice: could not count picks: ${tostring(failure)}`);
}

/** About how often a server was chosen in the last minute. `upstream_row`: the number of its upstream's row. Any phase. */
export function picks_of_minute(row: number, incarnation: number, upstream_row: number, now: number): number {
  const memory = shared_memory();
  const cells = row_at(row);
  const passed = now - memory[row_at(upstream_row) + UpstreamRow.MINUTE_AT];
  const since = math.max(0, picks_of(row, incarnation) - memory[cells + Row.PICKS]);
  const before = math.max(0, memory[cells + Row.PICKS] - memory[cells + Row.PICKS_BEFORE]);
  return since + before * math.max(0, 1 - passed / MINUTE);
}
