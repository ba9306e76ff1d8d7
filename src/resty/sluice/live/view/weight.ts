import * as clock from "../../lib/clock";
import { type Cell, Row, UpstreamRow } from "../../store/memory/cells";
import { load_factor } from "../../store/memory/factor";
import { shared_memory } from "../../store/memory/region";
import type { LiveServer, LiveUpstream } from "./model";

/**
 * The weights of the moment: what is configured, times what `slow_start` and the server's load leave of it. By
 * `slow_start` the weight of a server that was added or has recovered rises in a line from almost nothing to its own;
 * every worker raises it for itself, by the time at which that began.
 */

/** The part of its weight that a server begins with; nginx's 0 would keep a method from ever choosing it. */
const LEAST_PART = 0.01;

const ramping = new LuaSet<LiveServer>();

/** The part of its weight that a server at a row has at a time, by the monotonic clock; `slow_start` in seconds. */
export function slow_start_part(row: Cell, slow_start: number, now: number): number {
  const started = shared_memory()[row + Row.STARTED_AT];
  if (slow_start === 0 || started === 0) return 1;
  return math.min(1, math.max(LEAST_PART, (now - started) / slow_start));
}

/** Gives a server the weight that it has at a time, and sees to it that it rises if it must. Not hot. */
export function weigh(server: LiveServer, now: number): void {
  const part = slow_start_part(server.row, server.slow_start, now);
  if (part < 1) ramping.add(server);
  else ramping.delete(server);
  const load = server.upstream.follows_load ? load_factor(server.row) : 1;
  const weight = server.configured_weight * part * load;
  if (weight !== server.weight) server.method.reweigh(server, weight);
}

/** Forgets a server that is removed. */
export function stop_ramp(server: LiveServer): void {
  ramping.delete(server);
}

/** Gives the servers of an upstream their weights anew if their loads have changed those. Phase: timer. */
export function follow_loads(this: void, upstream: LiveUpstream): void {
  const revision = shared_memory()[upstream.row + UpstreamRow.LOAD_REVISION];
  if (upstream.load_revision === revision) return;
  upstream.load_revision = revision;
  const now = clock.now();
  for (const [, server] of pairs(upstream.servers)) weigh(server, now);
}

/** Raises the weights that are rising. Phase: timer. */
export function raise_weights(): void {
  const now = clock.now();
  for (const server of ramping) weigh(server, now);
}
