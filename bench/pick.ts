import "../spec/unit/support/nginx_stub";

import type { NumberPointer } from "ffi";
import type { Peer } from "../src/resty/sluice/balancer/method";
import type { BalancingConfig } from "../src/resty/sluice/config/balancing";
import * as clock from "../src/resty/sluice/lib/clock";
import { use_slot } from "../src/resty/sluice/live/view/counters";
import { type LiveServer, type LiveUpstream, Own } from "../src/resty/sluice/live/view/model";
import { use_loads } from "../src/resty/sluice/live/view/surroundings";
import { use_zone } from "../src/resty/sluice/live/view/zone";
import { apply_document, new_upstream } from "../src/resty/sluice/live/view/upstream";
import type { Document } from "../src/resty/sluice/store/document/document";
import { Row, type RowNumber } from "../src/resty/sluice/store/memory/cells";
import { Slot } from "../src/resty/sluice/store/memory/header_cells";
import {
  begun_of,
  create,
  offset_of,
  row_at,
  shared_memory,
  slot_at,
} from "../src/resty/sluice/store/memory/region";

/**
 * Measures the choice of a server without nginx: nanoseconds, one line per sample.
 *
 *   luajit pick.lua <the method's configuration in Lua> <servers> idle|busy <workers> <zone>
 *
 * The zone is that of the gateway and of all servers but the last. View and memory are as in a worker. There
 * are no requests, so the loads do not change.
 */

/**
 * The time during the run. In nginx the clock is a read of memory; outside of nginx it would be a system
 * call, which `least_time … inflight` would make for each server.
 */
const NOW = clock.now();
(clock as unknown as { now: (this: void) => number }).now = () => NOW;

const SLOTS = 16;
const SAMPLES = 5;
const SAMPLE_SECONDS = 0.01;
const MOST_REQUESTS = 8;
const SLOWEST = 200;

const [config_text, server_count, load, worker_count, zone] = [...$vararg] as string[];
use_zone(zone === "" ? undefined : zone);
const servers = tonumber(server_count) as number;
const workers = tonumber(worker_count) as number;
const [read_config] = loadstring(`return ${config_text}`);
const config = (read_config as (this: void) => BalancingConfig)();

/** Number of different keys. Three bytes are enough for any method. */
const KEYS = 4096;
const keys = new LuaTable<number, string>();
for (const number of $range(1, KEYS)) {
  keys.set(number, string.char(97 + (number % 26), 97 + (math.floor(number / 26) % 26), 97 + (number % 23)));
}

/** Gives a row requests in flight at every worker, and response times. */
function make_busy(memory: NumberPointer, upstream: LiveUpstream, server: LiveServer): void {
  for (const slot of $range(1, workers)) {
    const requests = math.random(0, MOST_REQUESTS);
    const offset = offset_of(slot);
    memory[server[Own.ALL_ACTIVE] + offset] = requests;
    memory[begun_of(server[Own.ALL_ACTIVE]) + offset] =
      requests * (clock.now() * 1000 - math.random(1, SLOWEST));
    memory[upstream[Own.ALL_ACTIVE] + offset] = memory[upstream[Own.ALL_ACTIVE] + offset] + requests;
  }
  memory[server.row + Row.EXPECTED_TIME] = math.random(1, SLOWEST);
}

function make_upstream(): LiveUpstream {
  create(servers + 1, SLOTS);
  const memory = shared_memory();
  use_slot(memory, 1);
  use_loads(memory);
  for (const slot of $range(1, workers)) memory[slot_at(slot) + Slot.USED] = 1;
  const document: Document = {
    ...config,
    revision: 1,
    next_id: servers,
    row: 0 as RowNumber,
    session_secret: "secret",
    leavers: [],
    lines: [],
  };
  const upstream = new_upstream("app", document);
  const lines: string[] = [];
  for (const id of $range(1, servers)) {
    const host = `127.0.${math.floor(id / 250)}.${id % 250}`;
    const row = row_at(id as RowNumber);
    const its_zone = id === servers ? "" : zone;
    lines.push(`${id} 1 ${id} {"server":"${host}:8080","zone":"${its_zone}"}\n`);
    memory[row + Row.STAMP] = 1;
    memory[row + Row.EXPECTED_TIME] = -1;
    memory[row + Row.HEADER_TIME] = -1;
    memory[row + Row.SELECTED] = clock.now();
  }
  apply_document(upstream, document, table.concat(lines), 1);
  if (load === "busy") {
    for (const [, server] of pairs(upstream.servers)) make_busy(memory, upstream, server);
  }
  return upstream;
}

function in_service(this: void, peer: Peer): boolean {
  return peer.in_rotation;
}

function pick(this: void, upstream: LiveUpstream, available: typeof in_service, key: string): unknown {
  return upstream.primary.pick(available, key) ?? upstream.backup.pick(available, key);
}

/** The cost of an empty call is subtracted. */
function nothing(this: void): undefined {
  return undefined;
}

type Choose = (this: void, upstream: LiveUpstream, available: typeof in_service, key: string) => unknown;

function run(choose: Choose, upstream: LiveUpstream, count: number): number {
  const started = os.clock();
  for (const turn of $range(1, count)) choose(upstream, in_service, keys.get((turn % KEYS) + 1));
  return os.clock() - started;
}

// nginx calls Lua from C for each request: the function is compiled, but not together with a loop around it.
jit.off(run);

/**
 * Returns how many calls fill a sample. The first call is not timed, because a consistent hash builds its
 * circle then.
 */
function calibrate(choose: Choose, upstream: LiveUpstream): number {
  run(choose, upstream, 1);
  let count = 64;
  while (run(choose, upstream, count) < SAMPLE_SECONDS) count = count * 2;
  return count;
}

const upstream = make_upstream();
const count = calibrate(pick, upstream);
const empty_count = calibrate(nothing, upstream);
for (const _ of $range(1, SAMPLES)) {
  const empty = run(nothing, upstream, empty_count) / empty_count;
  print((run(pick, upstream, count) / count - empty) * 1e9);
}
