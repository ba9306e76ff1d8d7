import * as clock from "../lib/clock";
import { new_job } from "../lib/job";
import { pause, pause_if_long } from "../lib/pause";
import { parse_head } from "../store/document/document";
import { lines_in, numbers_in } from "../store/document/line";
import { Row, type RowNumber, UpstreamRow } from "../store/memory/cells";
import { follow_upstreams, new_follower } from "../store/memory/changes";
import { get_text } from "../store/memory/dict";
import { is_over } from "../store/memory/generation";
import { last_slot, row_at, shared_memory, stamp_at } from "../store/memory/region";
import { picks_of } from "../store/memory/statistics";

/**
 * Counts how often servers were chosen in the last minute. Once a minute the counters are stored, for each
 * upstream in a different second. In between, the previous minute counts in proportion to the part of it that
 * is less than a minute ago.
 */

const MINUTE = 60;

/** The names of upstreams, by the second of the monotonic clock in which their next minute begins. */
const due = new LuaTable<number, string[] | undefined>();
const known = new LuaTable<string, boolean>();
const follower = new_follower();

function put_off(name: string, time: number): void {
  const second = math.ceil(time);
  const names = due.get(second);
  if (names === undefined) due.set(second, [name]);
  else names.push(name);
}

/** Tells whether a minute that this or another worker has begun is not over yet. */
function goes_on(began: number, now: number): boolean {
  return now - began < MINUTE;
}

/** Tells whether any worker has served an upstream. Other rows are not read, to save memory. */
function is_served(row: RowNumber): boolean {
  const memory = shared_memory();
  for (const slot of $range(1, last_slot())) {
    if (memory[stamp_at(slot, row)] !== 0) return true;
  }
  return false;
}

/** Returns when the minute of an upstream began; 0: never. */
function minute_of(name: string): number {
  const text = get_text(name);
  if (text === undefined) return 0;
  const [{ row }] = parse_head(text);
  return is_served(row) ? shared_memory()[row_at(row) + UpstreamRow.MINUTE_AT] : 0;
}

/** Begins a minute if the last one is over. Returns when the next begins; undefined: it was deleted. */
function begin_minute(name: string, now: number): number | undefined {
  const text = get_text(name);
  if (text === undefined) return undefined;
  const memory = shared_memory();
  const [head, start] = parse_head(text);
  if (!is_served(head.row)) return now + MINUTE;
  const minute_at = row_at(head.row) + UpstreamRow.MINUTE_AT;
  if (goes_on(memory[minute_at], now)) return memory[minute_at] + MINUTE;
  memory[minute_at] = now;
  for (const [line] of lines_in(text, start)) {
    const [, incarnation, row] = numbers_in(line);
    const cells = row_at(row);
    memory[cells + Row.PICKS_BEFORE] = memory[cells + Row.PICKS];
    memory[cells + Row.PICKS] = picks_of(row, incarnation);
  }
  return now + MINUTE;
}

function pause_for_requests(this: void): boolean {
  pause();
  return !is_over();
}

/** Returns the upstreams that are new to this worker, perhaps repeatedly. */
function unknown_names(): string[] {
  const found: string[] = [];
  const look_at = (name: string) => {
    if (!known.has(name)) found.push(name);
  };
  follow_upstreams(follower, known, look_at, pause_for_requests);
  return found;
}

/** Schedules upstreams that are new to this worker. Minutes that another worker has begun continue. */
function schedule_new(now: number): void {
  const fresh: string[] = [];
  for (const name of unknown_names()) {
    pause_if_long();
    if (!known.has(name)) {
      known.set(name, true);
      const began = minute_of(name);
      if (goes_on(began, now)) put_off(name, began + MINUTE);
      else fresh.push(name);
    }
  }
  const a_second = math.max(1, fresh.length / MINUTE);
  for (const [number, name] of ipairs(fresh)) put_off(name, now + math.floor((number - 1) / a_second) - 1);
}

function begin_minutes(this: void): undefined {
  if (is_over()) return;
  const now = clock.now();
  schedule_new(now);
  const names: string[] = [];
  for (const [second, its_names] of pairs(due)) {
    if (second <= now) {
      for (const name of its_names) names.push(name);
      due.delete(second);
    }
  }
  for (const name of names) {
    pause_if_long();
    const next = begin_minute(name, clock.now());
    if (next === undefined) known.delete(name);
    else put_off(name, next);
  }
}

/** Notes how often the servers of some upstreams have been chosen. Phase: timer, once a second. */
export const count_picks = new_job({ verb: "count picks", rest: 0, run: begin_minutes });

/** About how often a server was chosen in the last minute. Any phase. */
export function picks_of_minute(
  row: RowNumber,
  incarnation: number,
  upstream_row_number: RowNumber,
  now: number,
): number {
  const memory = shared_memory();
  const cells = row_at(row);
  const passed = now - memory[row_at(upstream_row_number) + UpstreamRow.MINUTE_AT];
  const since = math.max(0, picks_of(row, incarnation) - memory[cells + Row.PICKS]);
  const before = math.max(0, memory[cells + Row.PICKS] - memory[cells + Row.PICKS_BEFORE]);
  return since + before * math.max(0, 1 - passed / MINUTE);
}
