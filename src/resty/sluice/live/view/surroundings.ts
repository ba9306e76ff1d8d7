import type { NumberPointer } from "ffi";
import "resty.core.hash";

import type { Peer, Surroundings } from "../../balancer/method";
import { WORST_TIME } from "../../balancer/time_cost";
import * as clock from "../../lib/clock";
import { type Cell, Row } from "../../store/memory/cells";
import { sum_of_slots } from "../../store/memory/region";
import { type LiveServer, Measure } from "./model";

/**
 * The loads of servers, over all workers, that methods go by. Hot: read up to once a server in a pick.
 */

let memory: NumberPointer;

/** Reads loads from `shared` from now on. Phase: init_worker_by_lua. */
export function use_loads(shared: NumberPointer): void {
  memory = shared;
}

/** How many requests a server has under way, over all workers. */
export function in_flight(this: void, peer: Peer): number {
  return sum_of_slots((peer as LiveServer).active);
}

function left_in_flight(this: void, peer: Peer): number {
  const { row, incarnation } = peer as LiveServer;
  return memory[row + Row.STAMP] === incarnation ? in_flight(peer) : 0;
}

function age_in_flight(this: void, peer: Peer): number {
  const requests = in_flight(peer);
  if (requests <= 0) return 0;
  return clock.now() * 1000 - sum_of_slots((peer as LiveServer).begun) / requests;
}

/** Until `least_time` has an average of its own, that of all responses. */
function expected_time(this: void, peer: Peer): number {
  const { row, upstream } = peer as LiveServer;
  const expected = memory[row + Row.EXPECTED_TIME];
  if (expected >= 0) return expected;
  return memory[row + (upstream.measure === Measure.LAST_BYTE ? Row.RESPONSE_TIME : Row.HEADER_TIME)];
}

function expect_time(this: void, peer: Peer, milliseconds: number): void {
  const { row, incarnation } = peer as LiveServer;
  if (memory[row + Row.STAMP] === incarnation) memory[row + Row.EXPECTED_TIME] = milliseconds;
}

function chosen_at(this: void, peer: Peer): number {
  return memory[(peer as LiveServer).row + Row.SELECTED];
}

function fail_timeout(this: void, peer: Peer): number {
  return (peer as LiveServer).fail_timeout;
}

/** Returns what the methods of an upstream can learn about it. `active`: its requests under way. */
export function surroundings_of(active: Cell): Surroundings {
  return {
    random: math.random,
    start: (ngx.worker.id() ?? 0) / ngx.worker.count(),
    now: clock.now,
    crc32: ngx.crc32_long,
    in_flight,
    left_in_flight,
    total_in_flight: () => sum_of_slots(active),
    age_in_flight,
    expected_time,
    expect_time,
    chosen_at,
    fail_timeout,
  };
}

/** Lets a response count in what is expected of its server: the new one 0.05, what was expected 0.95, as nginx. */
export function count_response_time(server: LiveServer, milliseconds: number): void {
  const before = expected_time(server);
  expect_time(server, before < 0 ? milliseconds : before * 0.95 + milliseconds * 0.05);
}

/** Lets a response in vain, or one of 5xx, count as a very slow one, so that who fails fast does not look fast. */
export function count_failed_response(server: LiveServer): void {
  expect_time(server, math.max(0, expected_time(server)) * 0.95 + WORST_TIME * 0.05);
}
