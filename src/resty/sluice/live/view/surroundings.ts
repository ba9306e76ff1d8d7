import type { NumberPointer } from "ffi";
import "resty.core.hash";

import type { Peer, Surroundings } from "../../balancer/method";
import { WORST_TIME } from "../../balancer/time_cost";
import { note_loaded_time, note_penalty } from "../../health/expected_time";
import * as clock from "../../lib/clock";
import { type Cell, Row } from "../../store/memory/cells";
import { begun_of, sum_of_slots } from "../../store/memory/region";
import { is_healthy } from "./availability";
import { endings } from "./endings";
import { elsewhere_at_end, loads_of, use_numbered_loads } from "./loads";
import { type LiveServer, Measure, Own } from "./model";
import { own } from "./own_memory";
import { utilization_of } from "./utilization";
import { own_zone } from "./zone";

/** The loads of servers over all workers, for the methods. Hot: a pick may read them for each server. */

/** Sets the shared memory to read loads from. Phase: init_worker_by_lua. */
export function use_loads(shared: NumberPointer): void {
  common = undefined;
  use_numbered_loads(shared);
}

/** Returns the number of requests under way at a server, over all workers. */
export function in_flight(this: void, peer: Peer): number {
  return sum_of_slots((peer as LiveServer)[Own.ALL_ACTIVE]);
}

function left_in_flight(this: void, peer: Peer): number {
  const { row, incarnation } = peer as LiveServer;
  return own.memory[row + Row.STAMP] === incarnation ? in_flight(peer) : 0;
}

function age_in_flight(this: void, peer: Peer): number {
  const requests = in_flight(peer);
  if (requests <= 0) return 0;
  return clock.now() * 1000 - sum_of_slots(begun_of((peer as LiveServer)[Own.ALL_ACTIVE])) / requests;
}

/** Returns the expected time of a response. Until `least_time` has its own average, that of all responses. */
function expected_time(this: void, peer: Peer): number {
  const { row, upstream } = peer as LiveServer;
  const expected = own.memory[row + Row.EXPECTED_TIME];
  if (expected >= 0) return expected;
  return own.memory[row + (upstream.measure === Measure.HEADER ? Row.HEADER_TIME : Row.RESPONSE_TIME)];
}

function expect_time(this: void, peer: Peer, milliseconds: number): void {
  const { row, incarnation } = peer as LiveServer;
  if (own.memory[row + Row.STAMP] === incarnation) own.memory[row + Row.EXPECTED_TIME] = milliseconds;
}

function chosen_at(this: void, peer: Peer): number {
  return own.memory[(peer as LiveServer).row + Row.SELECTED];
}

function fail_timeout(this: void, peer: Peer): number {
  return own.memory[(peer as LiveServer).row + Row.FAIL_TIMEOUT];
}

function is_healthy_now(this: void, peer: Peer): boolean {
  return peer.in_rotation && is_healthy(peer as LiveServer, clock.now());
}

function configured_weight(this: void, peer: Peer): number {
  const { stands_by, weight } = (peer as LiveServer)[Own.PARAMETERS];
  return stands_by ? 0 : weight;
}

function utilization(this: void, peer: Peer): number {
  const { row, upstream } = peer as LiveServer;
  const max_conns = (peer as LiveServer)[Own.MAX_CONNS];
  const active = max_conns > 0 ? in_flight(peer) : 0;
  return utilization_of(row, active, max_conns, upstream.report_expiry, clock.now());
}

/** What the methods of all upstreams can learn, as the index of a metatable; undefined: not yet asked for. */
let common: { __index: Omit<Surroundings, "random" | "start" | "total_in_flight" | "loads"> } | undefined;

function common_surroundings(): { __index: object } {
  common ??= {
    __index: {
      now: clock.now,
      crc32: ngx.crc32_long,
      in_flight,
      left_in_flight,
      age_in_flight,
      expected_time,
      expect_time,
      chosen_at,
      fail_timeout,
      own_zone: own_zone(),
      is_healthy: is_healthy_now,
      configured_weight,
      utilization,
      endings,
    },
  };
  return common;
}

/**
 * Returns what the methods of an upstream can learn about it.
 *
 * @param active its requests under way
 * @param upstream_row its row
 */
export function surroundings_of(active: Cell, upstream_row: Cell): Surroundings {
  const own = {
    random: math.random,
    start: (ngx.worker.id() ?? 0) / ngx.worker.count(),
    total_in_flight: () => sum_of_slots(active),
    loads: loads_of(upstream_row),
  };
  return setmetatable(own as unknown as Surroundings, common_surroundings());
}

/** Adds a response to the expected time with nginx's weights: 0.05 for the new value, 0.95 for the old. */
export function count_response_time(server: LiveServer, milliseconds: number): void {
  const before = expected_time(server);
  expect_time(server, before < 0 ? milliseconds : before * 0.95 + milliseconds * 0.05);
}

/** Counts a failure as a very slow response, so that a server that fails fast does not seem fast. */
export function count_failed_response(server: LiveServer): void {
  const { row, incarnation, upstream } = server;
  if (upstream.measure !== Measure.LOAD)
    expect_time(server, math.max(0, expected_time(server)) * 0.95 + WORST_TIME * 0.05);
  else if (own.memory[row + Row.STAMP] === incarnation) note_penalty(row, WORST_TIME, 0.05, clock.now());
}

/**
 * Adds a response to the expected time of `least_load`, after the end of its own request. One other request
 * is left out, so that a server expects more time for one more request than for the last one. The published
 * figures of the simulation are those of this rule; without it they hardly differ.
 */
export function count_loaded_time(server: LiveServer, milliseconds: number): void {
  const { row, incarnation } = server;
  if (own.memory[row + Row.STAMP] !== incarnation) return;
  const now = clock.now();
  const others = math.max(0, in_flight(server) - 1);
  const requests = others + elsewhere_at_end(server, now);
  note_loaded_time(row, milliseconds, requests, now);
}
