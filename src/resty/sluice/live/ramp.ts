import { Row } from "../store/cells";
import { shared_memory } from "../store/region";
import type { LiveServer } from "./server";

/**
 * `slow_start`: the weight of a server that was added or has recovered rises in a line from almost nothing to its own.
 * Every worker raises it for itself, by the time at which that began.
 */

/** The part of its weight that a server begins with; nginx's 0 would keep a method from ever choosing it. */
const LEAST_PART = 0.01;

const ramping = new LuaSet<LiveServer>();

/** The part of its weight that a server has at a time, in seconds since 1970. */
function part_of(server: LiveServer, now: number): number {
  const started = shared_memory()[server.row + Row.STARTED_AT];
  if (server.slow_start === 0 || started === 0) return 1;
  return math.min(1, math.max(LEAST_PART, (now - started) / server.slow_start));
}

/** Gives a server the weight that it has at a time, and sees to it that it rises if it must. Not hot. */
export function weigh(server: LiveServer, now: number): void {
  const part = part_of(server, now);
  if (part < 1) ramping.add(server);
  else ramping.delete(server);
  const weight = server.configured_weight * part;
  if (weight !== server.weight) server.method.reweigh(server, weight);
}

/** Forgets a server that is removed. */
export function stop_ramp(server: LiveServer): void {
  ramping.delete(server);
}

/** Raises the weights that are rising. Phase: timer. */
export function raise_weights(): void {
  const now = ngx.now();
  for (const server of ramping) weigh(server, now);
}
