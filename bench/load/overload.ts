import type { AdaptiveLimitConfig } from "../../src/resty/sluice/config/adaptive_limit";
import { adapt_limit, new_adaptive_server, type AdaptiveServer } from "../../src/resty/sluice/control/limits";
import * as clock from "../../src/resty/sluice/lib/clock";
import { choose } from "../../src/resty/sluice/live/choice";
import { count_at, count_end, count_success, use_slot } from "../../src/resty/sluice/live/view/counters";
import { follow_limits } from "../../src/resty/sluice/live/view/limit";
import { type LiveServer, type LiveUpstream, Own } from "../../src/resty/sluice/live/view/model";
import { use_loads } from "../../src/resty/sluice/live/view/surroundings";
import { count_times } from "../../src/resty/sluice/live/view/times";
import { apply_document, new_upstream } from "../../src/resty/sluice/live/view/upstream";
import { type Cell, Row, type RowNumber } from "../../src/resty/sluice/store/memory/cells";
import { Slot } from "../../src/resty/sluice/store/memory/header_cells";
import { Counter } from "../../src/resty/sluice/store/memory/counter_cells";
import { create, row_at, shared_memory, slot_at } from "../../src/resty/sluice/store/memory/region";
import { make_dict } from "../../spec/unit/support/dict";
import { NEIGHBOURS } from "./fleet";
import { exponential, new_random } from "./random";
import { new_server, serve, type Job, type ModelServer } from "./server";
import { new_timeline, START } from "./timeline";

/**
 * An overload in virtual time: requests of clients that do not wait for each other, servers that work on as
 * many requests as they have slots and queue the others, and gateways that limit the requests in flight. The
 * limits are those of this build: the code that runs in a worker, with its shared memory.
 */

/** How often a gateway moves its limits, in seconds, as a worker does. */
const PASS_SECONDS = 0.05;
const SLOTS_OF_MEMORY = 16;

export interface Setting {
  /** What the servers have as `max_conns`. */
  max_conns: number | "adaptive";
  bounds: AdaptiveLimitConfig;
  servers: number;
  /** The requests that a server works on at a time, and the mean time that it needs for one, in seconds. */
  slots: number;
  work: number;
  /** The requests per second as a multiple of what all servers can serve, by the time since the beginning. */
  load: (this: void, passed: number) => number;
  gateways: number;
  seed: number;
  /** A request that has no answer within this time has failed, but its server does not know. In seconds. */
  deadline: number;
  warm_up: number;
  measured: number;
  /** Changes the servers once a second. */
  change?: (this: void, servers: readonly ModelServer[], passed: number) => void;
  /** Looks at the limits of the first gateway once a second. */
  look?: (this: void, limits: readonly number[], passed: number) => void;
}

/** What happened after the warm-up. */
export interface Outcome {
  /** Answers in time per second, as a part of what the servers can serve. */
  goodput: number;
  /** The times of these answers in milliseconds. */
  p50: number;
  p99: number;
  /**
   * The requests that were refused at once, and those that failed or had no answer in time, as parts of all.
   */
  refused: number;
  failed: number;
  /** The mean limit of a server, over all gateways; 0: none. */
  limit: number;
}

interface Gateway {
  upstream: LiveUpstream;
  adaptive: AdaptiveServer[];
}

function map_memory({ gateways, servers }: Setting): void {
  make_dict();
  create(gateways * (servers + 1) + 1, SLOTS_OF_MEMORY);
  const memory = shared_memory();
  use_slot(memory, 1);
  use_loads(memory);
  memory[slot_at(1) + Slot.USED] = 1;
}

function make_gateway({ servers, max_conns, bounds }: Setting, number: number): Gateway {
  const memory = shared_memory();
  const first_row = 1 + number * (servers + 1);
  const row = first_row as RowNumber;
  memory[row_at(row) + Row.STAMP] = 1;
  const document = {
    method: "least_conn" as const,
    adaptive_limit: bounds,
    revision: 1,
    next_id: servers,
    row,
    session_secret: "secret",
    leavers: [],
    lines: [],
  };
  const upstream = new_upstream("app", document);
  const limit = max_conns === "adaptive" ? '"adaptive"' : tostring(max_conns);
  const lines: string[] = [];
  const rows: RowNumber[] = [];
  for (const id of $range(1, servers)) {
    const its_row = (first_row + id) as RowNumber;
    const cells: Cell = row_at(its_row);
    lines.push(`${id} 1 ${its_row} {"server":"127.0.0.${id}:8080","max_conns":${limit}}\n`);
    memory[cells + Row.STAMP] = 1;
    for (const cell of [Row.HEADER_TIME, Row.RESPONSE_TIME, Row.EXPECTED_TIME]) memory[cells + cell] = -1;
    rows.push(its_row);
  }
  apply_document(upstream, document, table.concat(lines), 1);
  const adaptive =
    max_conns === "adaptive"
      ? rows.map((one, index) => new_adaptive_server(one, 1, `127.0.0.${index + 1}:8080`, START))
      : [];
  return { upstream, adaptive };
}

/** Counts the end of a request as `log` does. */
function count(server: LiveServer, latency: number, status: number): void {
  if (status === 504) {
    count_at(server, Counter.UNANSWERED, 1);
    count_end(server, 1);
    return;
  }
  count_success(server, status, 0, 0);
  const time = math.floor(latency * 1000 + 0.5);
  count_times(server, time, time, 1);
}

function quantile(sorted: readonly number[], share: number): number {
  return (sorted[math.floor(sorted.length * share)] ?? 0) * 1000;
}

function mean_limit(gateways: readonly Gateway[], servers: number): number {
  let sum = 0;
  for (const { upstream } of gateways)
    for (const [, server] of pairs(upstream.servers)) sum += server[Own.MAX_CONNS];
  return sum / servers;
}

/** Runs an overload once. The result is the same every time. */
export function run_overload(setting: Setting): Outcome {
  const { servers, slots, work, deadline, warm_up, measured, seed } = setting;
  const timeline = new_timeline();
  const arrivals = new_random(seed);
  const works = new_random(seed + 1000);
  (math as unknown as { random: unknown }).random = new_random(seed + 2000);
  (ngx as unknown as { now: unknown }).now = clock.now;
  map_memory(setting);
  const gateways: Gateway[] = [];
  for (const number of $range(0, setting.gateways - 1)) gateways.push(make_gateway(setting, number));
  const fleet: ModelServer[] = [];
  for (const _ of $range(1, servers)) fleet.push(new_server(1, slots, NEIGHBOURS.none));
  const capacity = (servers * slots) / work;
  const end = START + warm_up + measured;
  const latencies: number[] = [];
  let [all, refused, failed, limits, passes] = [0, 0, 0, 0, 0];

  function send(now: number): void {
    const is_measured = now >= START + warm_up;
    const { upstream } = gateways[math.floor(arrivals() * gateways.length)];
    if (is_measured) all += 1;
    const [server] = choose(upstream, undefined, now);
    if (server === undefined) {
      if (is_measured) refused += 1;
      return;
    }
    let is_over = false;
    const finish = (then: number, status: number): void => {
      if (is_over) return;
      is_over = true;
      count(server, then - now, status);
      if (!is_measured) return;
      if (status === 200) latencies.push(then - now);
      else failed += 1;
    };
    timeline.at(now + deadline, (then) => finish(then, 504));
    const job: Job = {
      work: exponential(works, work),
      end: (then, is_failure) => finish(then, is_failure ? 500 : 200),
      arrived_at: now,
      found: 0,
    };
    serve(timeline, fleet[server.id - 1], job, now);
  }

  function arrive(this: void, now: number): void {
    if (now >= end) return;
    send(now);
    timeline.at(now + exponential(arrivals, 1 / (setting.load(now - START) * capacity)), arrive);
  }

  function pass(this: void, now: number): void {
    for (const { adaptive } of gateways)
      for (const server of adaptive) adapt_limit(server, setting.bounds, now);
    follow_limits();
    if (now >= START + warm_up) {
      limits += mean_limit(gateways, servers);
      passes += 1;
    }
    if (now < end) timeline.at(now + PASS_SECONDS, pass);
  }

  function every_second(this: void, now: number): void {
    setting.change?.(fleet, now - START);
    const shown: number[] = [];
    for (const [, server] of pairs(gateways[0].upstream.servers)) shown.push(server[Own.MAX_CONNS]);
    setting.look?.(shown, now - START);
    if (now < end) timeline.at(now + 1, every_second);
  }

  timeline.at(START, arrive);
  timeline.at(START, pass);
  timeline.at(START, every_second);
  timeline.run();
  table.sort(latencies);
  return {
    goodput: latencies.length / measured / capacity,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    refused: refused / all,
    failed: failed / all,
    limit: limits / passes,
  };
}
