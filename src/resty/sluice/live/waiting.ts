import { new as new_semaphore } from "ngx.semaphore";

import * as clock from "../lib/clock";
import { enqueue, first_of, leave } from "../lib/fifo";
import { UpstreamCounter } from "../store/memory/counter_cells";
import { row_number_of } from "../store/memory/region";
import { upstream_status } from "../store/memory/statistics";
import { choose, is_full } from "./choice";
import { count_at } from "./view/counters";
import { wake_first } from "./view/queue";
import { count_unusual } from "./view/unusual";
import { find_upstream } from "./view/view";
import type { LiveServer, LiveUpstream, Queue, Waiter } from "./view/model";

/**
 * Requests that wait in the access phase until a server has room, first come, first served within a worker. A
 * request that ends wakes the first waiter, which also checks by itself, because it may end on another
 * worker.
 */

interface WaitingRequest extends Waiter {
  upstream: LiveUpstream;
}

export const enum Ending {
  /** No server is available, but not because all are full. */
  NONE,
  CHOSEN,
  OVERFLOW,
  TIMEOUT,
}

/** Interval at which the first waiter checks by itself, in seconds. */
const LOOK_SECONDS = 0.01;
/** Shortest wait of a semaphore, in seconds. For less it does not wait, and the clock does not advance. */
const SHORTEST_WAIT = 0.001;

/** The waiter of each waiting request, to find it when the client leaves. */
const waiter_of = new LuaTable<number, WaitingRequest | undefined>();

/** Takes a request out of the queue, if it waits: it has been served, or its client has left. */
export function forget_waiter(key: number): void {
  const waiter = waiter_of.get(key);
  if (waiter === undefined) return;
  waiter_of.delete(key);
  count_unusual(-1);
  count_at(waiter.upstream, UpstreamCounter.WAITING, -1);
  leave(waiter.queue.waiters, waiter);
  wake_first(waiter.queue);
}

/** How a wait ended; the server if one was chosen; and whether the request lacks the key. */
type Waited = LuaMultiReturn<[ending: Ending, server: LiveServer | undefined, lacks_key: boolean]>;

function wait(waiter: WaitingRequest): Waited {
  const { upstream, queue } = waiter;
  const deadline = clock.now() + queue.timeout;
  let remaining = queue.timeout;
  while (remaining >= SHORTEST_WAIT) {
    const is_first = first_of(queue.waiters) === waiter;
    waiter.semaphore.wait(is_first ? math.min(remaining, LOOK_SECONDS) : remaining);
    const now = clock.now();
    remaining = deadline - now;
    // The upstream may have changed while no other request came for it.
    if (find_upstream(upstream.name, now) !== upstream) return $multi(Ending.NONE, undefined, false);
    if (first_of(queue.waiters) === waiter) {
      const [server, lacks_key] = choose(upstream, undefined, now);
      if (server !== undefined) return $multi(Ending.CHOSEN, server, lacks_key);
      if (!is_full(upstream, now)) return $multi(Ending.NONE, undefined, false);
    }
  }
  return $multi(Ending.TIMEOUT, undefined, false);
}

/** Chooses a server and counts the request, at once or when one has room. Phase: access_by_lua. */
export function choose_or_wait(upstream: LiveUpstream, queue: Queue, key: number): Waited {
  if (queue.waiters.size === 0) {
    const now = clock.now();
    const [server, lacks_key] = choose(upstream, undefined, now);
    if (server !== undefined) return $multi(Ending.CHOSEN, server, lacks_key);
    if (!is_full(upstream, now)) return $multi(Ending.NONE, undefined, false);
  }
  if (upstream_status(row_number_of(upstream.row)).waiting >= queue.size) {
    count_at(upstream, UpstreamCounter.OVERFLOWS, 1);
    return $multi(Ending.OVERFLOW, undefined, false);
  }
  const waiter: WaitingRequest = { semaphore: new_semaphore(0), upstream, queue, ticket: 0 };
  enqueue(queue.waiters, waiter);
  waiter_of.set(key, waiter);
  count_unusual(1);
  count_at(upstream, UpstreamCounter.WAITING, 1);
  count_at(upstream, UpstreamCounter.WAITS, 1);
  const [ending, server, lacks_key] = wait(waiter);
  forget_waiter(key);
  return $multi(ending, server, lacks_key);
}
