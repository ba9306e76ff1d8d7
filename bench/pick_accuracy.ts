import "../spec/unit/support/nginx_stub";

import type { Peer } from "../src/resty/sluice/balancer/method";
import type { BalancingConfig } from "../src/resty/sluice/config/balancing";
import * as clock from "../src/resty/sluice/lib/clock";
import { count_inactive, count_request, use_slot } from "../src/resty/sluice/live/view/counters";
import { type LiveServer, type LiveUpstream, Own } from "../src/resty/sluice/live/view/model";
import { in_flight, use_loads } from "../src/resty/sluice/live/view/surroundings";
import { apply_document, new_upstream } from "../src/resty/sluice/live/view/upstream";
import { time_cost } from "../src/resty/sluice/balancer/time_cost";
import type { Document } from "../src/resty/sluice/store/document/document";
import { Row, type RowNumber } from "../src/resty/sluice/store/memory/cells";
import { Slot } from "../src/resty/sluice/store/memory/header_cells";
import { create, row_at, shared_memory, slot_at } from "../src/resty/sluice/store/memory/region";
import { surroundings_of } from "../src/resty/sluice/live/view/surroundings";

/**
 * Measures how close picks among many busy servers are to the least: the percentage of picks whose server has
 * at most one request more, for its weight, than the server with the fewest.
 *
 *   luajit pick_accuracy.lua least_conn|least_time <servers> <requests in flight a server> <workers> <burst>
 *
 * All workers have their own view, in one process. In turn, as many requests as a burst has end, which are
 * drawn from those in flight, and as many begin, each at a worker that is drawn.
 */

const NOW = clock.now();
(clock as unknown as { now: (this: void) => number }).now = () => NOW;

const SLOTS = 16;
/** How often a server's whole load is sampled, because a look at all servers takes long. */
const STEPS_A_SAMPLE = 20;
const ROUNDS = 2;
const SLOWEST = 200;
const HEAVIEST = 4;

interface Request {
  server: LiveServer;
  slot: number;
}

const [method, server_count, request_count, worker_count, burst_count] = [...$vararg] as string[];
const servers = tonumber(server_count) as number;
const each = tonumber(request_count) as number;
const workers = tonumber(worker_count) as number;
const burst = tonumber(burst_count) as number;
const config = (method === "least_time"
  ? { method, least_time: { measure: "header", inflight: false } }
  : { method }) as unknown as BalancingConfig;

create(servers + 1, SLOTS);
const memory = shared_memory();
use_loads(memory);
for (const slot of $range(1, workers)) memory[slot_at(slot) + Slot.USED] = 1;

function view_of(slot: number): LiveUpstream {
  use_slot(memory, slot);
  const document: Document = {
    ...config,
    revision: 1,
    next_id: servers,
    row: 0 as RowNumber,
    leavers: [],
    lines: [],
  };
  const upstream = new_upstream(`app${slot}`, document);
  const lines: string[] = [];
  for (const id of $range(1, servers)) {
    const row = row_at(id as RowNumber);
    const host = `127.0.${math.floor(id / 250)}.${id % 250}`;
    lines.push(`${id} 1 ${id} {"server":"${host}:8080","weight":${1 + (id % HEAVIEST)}}\n`);
    memory[row + Row.STAMP] = 1;
    memory[row + Row.EXPECTED_TIME] = ((id * 7919) % SLOWEST) + 1;
    memory[row + Row.SELECTED] = NOW;
  }
  apply_document(upstream, document, table.concat(lines), 1);
  return upstream;
}

const views: LiveUpstream[] = [];
for (const slot of $range(1, workers)) views.push(view_of(slot));
const cost = time_cost(surroundings_of(views[0][Own.ALL_ACTIVE], views[0].row), false);

function cost_of(server: LiveServer, more: number): number {
  if (method !== "least_time") return in_flight(server) + more;
  const requests = 1 + in_flight(server);
  return (cost.of(server, NOW) / requests) * (requests + more);
}

/** Returns the least cost for its weight that a server has. */
function least(): number {
  let found = math.huge;
  for (const [, server] of pairs(views[0].servers)) {
    found = math.min(found, cost_of(server, 0) / server.weight);
  }
  return found;
}

function in_service(this: void, peer: Peer): boolean {
  return peer.in_rotation;
}

const requests: Request[] = [];

function send(sampled: boolean): boolean {
  const slot = math.random(1, workers);
  const upstream = views[slot - 1];
  const server = upstream.primary.pick(in_service, undefined) as LiveServer;
  // What the least server would have with one request more.
  const is_close = !sampled || cost_of(server, -1) / server.weight <= least() + 1e-9;
  count_request(server, NOW);
  requests.push({ server, slot });
  return is_close;
}

function end(): void {
  const index = math.random(1, requests.length) - 1;
  const { server, slot } = requests[index];
  use_slot(memory, slot);
  requests[index] = requests[requests.length - 1];
  requests.pop();
  count_inactive(server);
}

for (const _ of $range(1, servers * each)) send(false);
for (const _ of $range(1, servers * each)) {
  end();
  send(false);
}
let samples = 0;
let close = 0;
for (const step of $range(1, servers * each * ROUNDS)) {
  if (step % burst === 0) for (const _ of $range(1, burst)) end();
  const is_sample = step % STEPS_A_SAMPLE === 0;
  const is_close = send(is_sample);
  if (is_sample) samples = samples + 1;
  if (is_sample && is_close) close = close + 1;
}
print(string.format("%.2f", (100 * close) / samples));
