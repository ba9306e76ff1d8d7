import { new as new_semaphore, type Semaphore } from "ngx.semaphore";

import type { QueueConfig } from "../config/admission";
import { parse_time } from "../config/time";
import { enqueue, first_of, leave, new_fifo, type Fifo, type FifoEntry } from "../lib/fifo";
import { choose, is_full } from "./choice";
import { count_overflow, count_waiting } from "./counters";
import { has_changed, survey } from "./health";
import type { LiveServer } from "./server";
import type { LiveUpstream } from "./upstream";
import { upstream_status } from "./upstream_status";

/**
 * `queue`: requests that wait, in the access phase, until a server has room. First come, first served within a worker. A
 * request that ends wakes the first; and because it may end on another worker, the first looks by itself, too.
 */

interface Waiter extends FifoEntry {
  semaphore: Semaphore;
  upstream: LiveUpstream;
  queue: Queue;
}

/** Who waits for an upstream's servers. */
export interface Queue {
  /** At most so many, over all workers. */
  size: number;
  /** Seconds. */
  timeout: number;
  waiters: Fifo<Waiter>;
}

/** Gives an upstream as the store has it now. */
export type Find = (this: void, name: string) => LiveUpstream | undefined;

/** How a wait ended. */
export const enum Ending {
  /** No server is available, but not because all are full; or the upstream is gone. */
  NONE,
  CHOSEN,
  OVERFLOW,
  TIMEOUT,
}

/** How often the first looks by itself. */
const LOOK_SECONDS = 0.01;
/** A semaphore counts whole milliseconds: for less it does not wait at all, and meanwhile the clock stands still. */
const SHORTEST_WAIT = 0.001;

/** Makes an upstream's queue; who waits in the one before goes on to wait. */
export function queue_of(config: QueueConfig | undefined, before: Queue | undefined): Queue | undefined {
  if (config === undefined) return undefined;
  const timeout = (parse_time(config.timeout) ?? 0) / 1000;
  return { size: config.size, timeout, waiters: before?.waiters ?? new_fifo() };
}

/** The waiter of each request that waits: for when its client leaves. */
const waiter_of = new LuaTable<number, Waiter>();

function wake_first({ waiters }: Queue): void {
  const first = first_of(waiters);
  if (first !== undefined && first.semaphore.count() < 1) first.semaphore.post();
}

/** Lets the first in line look again; a request to the upstream has ended. Hot. */
export function wake(upstream: LiveUpstream): void {
  const { queue } = upstream;
  if (queue !== undefined && queue.waiters.size > 0) wake_first(queue);
}

/** Takes a request out of the line that it waits in, if it does: it has been served, or its client has left. */
export function forget_waiter(key: number): void {
  const waiter = waiter_of.get(key) as Waiter | undefined;
  if (waiter === undefined) return;
  waiter_of.delete(key);
  count_waiting(waiter.upstream, -1);
  leave(waiter.queue.waiters, waiter);
  wake_first(waiter.queue);
}

/** Chooses a server for the first in line if one has room. Returns undefined when he is to wait on. */
function look(
  upstream: LiveUpstream,
  find: Find,
): LuaMultiReturn<[Ending | undefined, LiveServer | undefined]> {
  // Nothing else may tell this worker of changes; one that has replaced the upstream has no part in this line.
  if (find(upstream.name) !== upstream) return $multi(Ending.NONE, undefined);
  const now = ngx.now();
  if (has_changed(upstream)) survey(upstream, now);
  const server = choose(upstream, undefined, now);
  if (server !== undefined) return $multi(Ending.CHOSEN, server);
  return $multi(is_full(upstream, now) ? undefined : Ending.NONE, undefined);
}

function wait(waiter: Waiter, find: Find): LuaMultiReturn<[Ending, LiveServer | undefined]> {
  const { upstream, queue } = waiter;
  const deadline = ngx.now() + queue.timeout;
  let remaining = queue.timeout;
  while (remaining >= SHORTEST_WAIT) {
    const is_first = first_of(queue.waiters) === waiter;
    waiter.semaphore.wait(is_first ? math.min(remaining, LOOK_SECONDS) : remaining);
    remaining = deadline - ngx.now();
    if (first_of(queue.waiters) === waiter) {
      const [ending, server] = look(upstream, find);
      if (ending !== undefined) return $multi(ending, server);
    }
  }
  return $multi(Ending.TIMEOUT, undefined);
}

/**
 * Chooses a server for the request `key` and counts it there, now or when one has room. Phase: access_by_lua.
 *
 * @returns how it ended, and the server if it was chosen
 */
export function choose_or_wait(
  upstream: LiveUpstream,
  queue: Queue,
  key: number,
  find: Find,
): LuaMultiReturn<[Ending, LiveServer | undefined]> {
  if (queue.waiters.size === 0) {
    const now = ngx.now();
    const server = choose(upstream, undefined, now);
    if (server !== undefined) return $multi(Ending.CHOSEN, server);
    if (!is_full(upstream, now)) return $multi(Ending.NONE, undefined);
  }
  if (upstream_status(upstream.row_number).waiting >= queue.size) {
    count_overflow(upstream);
    return $multi(Ending.OVERFLOW, undefined);
  }
  const waiter: Waiter = { semaphore: new_semaphore(0), upstream, queue, ticket: 0 };
  enqueue(queue.waiters, waiter);
  waiter_of.set(key, waiter);
  count_waiting(upstream, 1);
  const [ending, server] = wait(waiter, find);
  forget_waiter(key);
  return $multi(ending, server);
}
