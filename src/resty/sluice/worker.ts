import type { NumberPointer } from "ffi";

import { follow_cluster, join_cluster } from "./cluster/follow";
import type { EtcdConfig } from "./config/sources/etcd";
import { control_upstreams } from "./control/controller";
import { count_picks } from "./control/picks";
import { remove_expired } from "./discovery/expiry";
import { start_discovery } from "./discovery/follower";
import * as clock from "./lib/clock";
import { use_retries } from "./live/retries";
import { use_generation } from "./live/unlogged";
import { use_health } from "./live/view/availability";
import { compare_servers } from "./live/view/comparison";
import { use_slot } from "./live/view/counters";
import { use_sums } from "./live/view/in_flight_age";
import { use_loads } from "./live/view/surroundings";
import { for_each_upstream, refresh_all, use_memory } from "./live/view/view";
import { follow_loads, raise_weights } from "./live/view/weight";
import { start_prober } from "./probe/prober";
import { compact_when_due } from "./store/compaction";
import { watch_files } from "./store/disk/files";
import { save_health } from "./store/disk/health";
import { remove_idle_servers } from "./store/drain_jobs";
import { take_turn } from "./store/memory/generation";
import { shared_memory } from "./store/memory/region";
import { release_dead_slots, resume_slot, take_slot } from "./store/memory/slots";
import { finish_write } from "./store/unfinished";

/** What a worker does beside requests. Each job is done by one worker, or concerns only its own memory. */

const COMPACTION_SECONDS = 1;
const REFRESH_SECONDS = 10;
const RAMP_SECONDS = 0.25;
const SAVE_SECONDS = 1;
const WATCH_SECONDS = 0.5;
const RELEASE_SECONDS = 2;
const FINISH_SECONDS = 0.25;
const COMPARISON_SECONDS = 0.1;
/** 0 would do, but without OpenResty's patches nginx warns of it. */
const PAUSE_SECONDS = 0.001;
const DRAIN_SECONDS = 1;
const EXPIRY_SECONDS = 0.25;
const CONTROL_SECONDS = 0.1;
const PICKS_SECONDS = 1;

function every(seconds: number, job: (this: void) => void, last_job?: (this: void) => void): void {
  const [timer, cause] = ngx.timer.every(seconds, (premature) => {
    if (!premature && !ngx.worker.exiting()) job();
    else if (last_job !== undefined) last_job();
  });
  if (timer === undefined) ngx.log(ngx.WARN, `sluice: could not start a timer: ${cause ?? ""}`);
}

let has_warned = false;

function save(pause: (this: void) => void): void {
  const [saved, cause] = save_health(pause);
  if (saved === undefined && !has_warned) ngx.log(ngx.WARN, `sluice: ${cause ?? ""}`);
  has_warned = saved === undefined;
}

function save_in_pieces(this: void): void {
  save(() => {
    ngx.sleep(PAUSE_SECONDS);
  });
}

/** When the worker ends. */
function save_at_once(this: void): void {
  save(() => {
    // No time is left to let others in.
  });
}

function weigh_all(this: void): void {
  raise_weights();
  for_each_upstream(follow_loads);
}

function compare_all(this: void): void {
  const now = clock.now();
  for_each_upstream((upstream) => {
    compare_servers(upstream, now);
  });
}

/** Makes the modules of this Lua VM use the shared memory. */
function use_memories(memory: NumberPointer): void {
  use_loads(memory);
  use_sums(memory);
  use_retries(memory);
  use_health(memory);
  use_generation(memory);
  // Else all workers would draw the same servers.
  math.randomseed(ngx.worker.pid() * 1000 + ((clock.now() * 1000) % 1000));
}

/**
 * Makes the Lua VM of one request ready to balance: with `lua_code_cache off` each request has its own. What a worker
 * does beside requests is done in the VM that `start_worker` has run in. Phase: init_by_lua.
 */
export function resume_worker(): void {
  const memory = shared_memory();
  use_memory(memory);
  const slot = resume_slot();
  if (slot !== undefined) use_slot(memory, slot);
  use_memories(memory);
}

/**
 * Makes this worker ready to balance. `cluster`: the etcd by which it shares its upstreams, if it does. Phase: init_worker_by_lua. Raises when `setup` was not called. */
export function start_worker(cluster: EtcdConfig | undefined): void {
  const memory = shared_memory();
  // The cache manager, the cache loader and the privileged agent run init_worker too, and serve no requests.
  if (ngx.worker.id() === undefined) return;
  use_memory(memory);
  const slot = take_slot();
  if (slot === undefined) {
    ngx.log(
      ngx.WARN,
      "sluice: no slot is free for this worker's counters: it answers 502 until a worker of an earlier reload has ended",
    );
  } else {
    use_slot(memory, slot);
  }
  use_memories(memory);
  if (take_turn()) {
    start_prober();
    start_discovery();
    if (cluster !== undefined) {
      join_cluster(cluster);
      if (ngx.worker.id() === 0) follow_cluster();
    }
  }
  if (ngx.worker.id() === 0) {
    every(COMPACTION_SECONDS, compact_when_due);
    every(SAVE_SECONDS, save_in_pieces, save_at_once);
    every(WATCH_SECONDS, watch_files);
    every(DRAIN_SECONDS, remove_idle_servers);
    every(EXPIRY_SECONDS, remove_expired);
    every(CONTROL_SECONDS, control_upstreams);
    every(PICKS_SECONDS, count_picks);
  }
  finish_write();
  every(FINISH_SECONDS, finish_write);
  every(RELEASE_SECONDS, release_dead_slots);
  every(REFRESH_SECONDS, refresh_all);
  every(RAMP_SECONDS, weigh_all);
  every(COMPARISON_SECONDS, compare_all);
}
