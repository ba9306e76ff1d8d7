import * as clock from "../../lib/clock";
import { type Cell, Row, UpstreamRow } from "../../store/memory/cells";
import { load_factor, outlier_part } from "../../store/memory/factor";
import { shared_memory } from "../../store/memory/region";
import { method_of } from "./method_of";
import { type LiveServer, type LiveUpstream, Own } from "./model";

/**
 * The effective weights: the configured weight times a part for `slow_start`, a factor for the load, and the
 * part that outlier detection leaves. With `slow_start`, the weight of an added or recovered server rises
 * linearly from almost 0. Each worker raises it by itself, from the shared time at which it began.
 */

/** The part of its weight with which a server begins. With 0, as in nginx, a method would never choose it. */
const LEAST_PART = 0.01;

const ramping = new LuaSet<LiveServer>();

/** Returns the part of its weight that a server has. `slow_start`: seconds; `now`: the monotonic clock. */
export function slow_start_part(row: Cell, slow_start: number, now: number): number {
  const started = shared_memory()[row + Row.STARTED_AT];
  if (slow_start === 0 || started === 0) return 1;
  return math.min(1, math.max(LEAST_PART, (now - started) / slow_start));
}

/** Gives a server its effective weight, and lets the timer raise it during `slow_start`. Not hot. */
export function weigh(server: LiveServer, now: number): void {
  const part = slow_start_part(server.row, server[Own.PARAMETERS].slow_start, now);
  if (part < 1) ramping.add(server);
  else ramping.delete(server);
  const { upstream, row } = server;
  const load = upstream.follows_load ? load_factor(row) : 1;
  const left = upstream.degrades ? outlier_part(row) : 1;
  const weight = server[Own.PARAMETERS].weight * part * load * left;
  if (weight !== server.weight) method_of(server).reweigh(server, weight);
}

export function stop_ramp(server: LiveServer): void {
  ramping.delete(server);
}

/** Updates the weights of an upstream's servers if their factors have changed. Phase: timer. */
export function follow_loads(this: void, upstream: LiveUpstream): void {
  const revision = shared_memory()[upstream.row + UpstreamRow.LOAD_REVISION];
  if (upstream.load_revision === revision) return;
  upstream.load_revision = revision;
  const now = clock.now();
  for (const [, server] of pairs(upstream.servers)) weigh(server, now);
}

/** Raises the weights of the servers in `slow_start`. Phase: timer. */
export function raise_weights(): void {
  const now = clock.now();
  for (const server of ramping) weigh(server, now);
}
