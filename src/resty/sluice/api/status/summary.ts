import { kernel_now, type Moment } from "../../lib/clock";
import { escape_invalid_utf8 } from "../../lib/utf8";
import { UpstreamRow } from "../../store/memory/cells";
import { get_text } from "../../store/memory/dict";
import { shared_memory } from "../../store/memory/region";
import { add_times, clear_times, new_times } from "../../store/memory/times";
import { Condition, CONDITIONS, ignores_health, state_index, STATES } from "../condition";
import { Sum, type KnownUpstream, type Sums } from "./model";
import { note_shown } from "./shown";
import { keep_sums, sum_up } from "./sums";
import { times_text } from "./times";
import { discovery_text, problems_text, split_text, worst_text } from "./trouble";

/** The summary of an upstream as JSON text. It is formatted again only if something has changed. */

const COUNTS = '%s,"states":{%s},"active":%d,"requests":%d,"responses":{%s},"fails":%d%s';
const QUEUE = ',"queue":{"size":%d,"max_size":%d,"overflows":%d}';
/** What `discovery_text` returns while all that is followed answers. */
const ANSWERING = ',"discovery":{"state":"ok"}';

/** The sums of the upstream that is being looked at. */
const current: Sums = [];
const times = new_times();

/** The number of servers in each state of `STATES`. */
const counts: number[] = [];

function states_text(sums: Sums): string {
  for (const index of $range(0, STATES.length - 1)) counts[index] = 0;
  for (const condition of $range(0, CONDITIONS - 1)) {
    const index = state_index(condition);
    counts[index] = counts[index] + sums[Sum.FIRST_CONDITION + condition];
  }
  const parts: string[] = [];
  for (const [number, state] of ipairs(STATES)) {
    if (counts[number - 1] > 0) parts.push(string.format('"%s":%d', state, counts[number - 1]));
  }
  return table.concat(parts, ",");
}

function responses_text(sums: Sums): string {
  const parts: string[] = [];
  for (const its_class of $range(1, 5)) {
    const count = sums[Sum.FIRST_CLASS + its_class - 1];
    if (count > 0) parts.push(string.format('"%dxx":%d', its_class, count));
  }
  return table.concat(parts, ",");
}

/** Returns the response times of all servers together; "": there is no response. */
function all_times_text({ rows, incarnations }: KnownUpstream, sums: Sums): string {
  if (sums[Sum.TIMED] <= 0) return "";
  clear_times(times);
  for (const index of $range(0, rows.length - 1)) add_times(times, rows[index], incarnations[index]);
  return `,"times":${times_text(times.response)}`;
}

function panics({ size, panic_threshold }: KnownUpstream, sums: Sums): boolean {
  const unavail = sums[Sum.FIRST_CONDITION + Condition.UNAVAIL];
  return ignores_health(panic_threshold, size, sums[Sum.IN_ROTATION], sums[Sum.UNAVAILABLE], unavail);
}

function queue_text({ queue_size }: KnownUpstream, sums: Sums): string {
  if (queue_size === undefined) return "";
  return string.format(QUEUE, sums[Sum.WAITING], queue_size, sums[Sum.OVERFLOWS]);
}

/** Tells whether the summary shows something that may pass, and is then as if it had never been. */
function is_restless({ split }: KnownUpstream, sums: Sums, discovery: string): boolean {
  // The shares of a split follow the health of its members.
  if (split !== undefined) return true;
  const lasting =
    sums[Sum.FIRST_CONDITION + Condition.UP] +
    sums[Sum.FIRST_CONDITION + Condition.SET_DOWN] +
    sums[Sum.FIRST_CONDITION + Condition.SET_DRAINING];
  let servers = 0;
  for (const sum of $range(Sum.FIRST_CONDITION, Sum.FIRST_CONDITION + Condition.UP)) servers += sums[sum];
  const is_quiet = sums[Sum.ACTIVE] === 0 && sums[Sum.WAITING] === 0 && sums[Sum.UNPROVEN_SINCE] >= 0;
  return !is_quiet || lasting !== servers || (discovery !== "" && discovery !== ANSWERING);
}

function format(upstream: KnownUpstream, sums: Sums, discovery: string, now: Moment): string {
  const text = get_text(upstream.name) ?? "";
  const counts = string.format(
    COUNTS,
    upstream.start,
    states_text(sums),
    sums[Sum.ACTIVE],
    sums[Sum.REQUESTS],
    responses_text(sums),
    sums[Sum.FAILS],
    all_times_text(upstream, sums),
  );
  const panic = panics(upstream, sums) ? ',"panic":true' : "";
  const trouble = problems_text(upstream, text, sums) + worst_text(upstream, text, sums);
  return escape_invalid_utf8(
    counts + queue_text(upstream, sums) + panic + split_text(upstream, now) + discovery + trouble,
  );
}

/**
 * Looks at an upstream, and keeps in `upstream.shown` what there is to show: its summary without the closing
 * brace. Any phase.
 *
 * @param last_slot the last slot that was ever taken
 */
export function look_at(upstream: KnownUpstream, last_slot: number, now: Moment): void {
  sum_up(current, upstream, last_slot, now);
  const discovery = discovery_text(upstream);
  const restless = is_restless(upstream, current, discovery);
  const was_restless = upstream.is_restless;
  upstream.is_restless = restless;
  if (!keep_sums(upstream.sums, current) && !restless && !was_restless) return;
  const text = format(upstream, current, discovery, now);
  const read_at = kernel_now();
  note_shown(upstream.shown, text, current[Sum.HEALTH_REVISION], read_at);
  const memory = shared_memory();
  // If the upstream was deleted since, its row may be that of a server.
  if (restless && memory[upstream.row + UpstreamRow.REVISION] <= upstream.revision)
    memory[upstream.row + UpstreamRow.RESTLESS_AT] = read_at;
}

/** Returns when a worker last showed a summary of an upstream that may pass. Any phase. */
export function restless_at({ row }: KnownUpstream): Moment {
  return shared_memory()[row + UpstreamRow.RESTLESS_AT];
}
