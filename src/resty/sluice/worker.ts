import type { NumberPointer } from "ffi";

import { follow_cluster, join_cluster } from "./cluster/follow";
import type { EtcdConfig } from "./config/sources/etcd";
import { control_upstreams } from "./control/controller";
import { adapt_limits } from "./control/limits";
import { count_picks } from "./control/picks";
import { remove_expired } from "./discovery/expiry";
import { start_discovery } from "./discovery/follower";
import * as clock from "./lib/clock";
import { every, new_job } from "./lib/job";
import { pause, pause_if_long } from "./lib/pause";
import { probe_loads } from "./live/load_probe";
import { use_retries } from "./live/retries";
import { use_generation } from "./live/unlogged";
import { find_anomalies } from "./live/view/anomalies";
import { compare_servers } from "./live/view/comparison";
import type { LiveUpstream } from "./live/view/model";
import { use_slot } from "./live/view/counters";
import { use_sums } from "./live/view/in_flight_age";
import { use_own_memory } from "./live/view/own_memory";
import { follow_limits } from "./live/view/limit";
import { use_loads } from "./live/view/surroundings";
import { for_each_upstream, refresh_all, use_memory } from "./live/view/view";
import { follow_loads, raise_weights } from "./live/view/weight";
import { update_zones, uses_zones } from "./live/view/zone";
import { start_prober } from "./probe/prober";
import { compact_when_due } from "./store/compaction";
import { note_saving } from "./store/disk/failures";
import { watch_files } from "./store/disk/files";
import { save_health } from "./store/disk/health";
import { remove_idle_servers } from "./store/drain_jobs";
import { free_lost_rows } from "./store/lost_rows";
import { take_over_background_work } from "./store/memory/generation";
import { shared_memory } from "./store/memory/region";
import {
  note_lua_memory,
  note_seen_revision,
  release_dead_slots,
  resume_slot,
  take_slot,
} from "./store/memory/slots";
import { finish_write } from "./store/unfinished";

/** The start of a worker, and the tasks that it does beside requests. */

interface Task {
  run: (this: void) => void;
  seconds: number;
  /** Runs instead when the worker exits. */
  last_run?: (this: void) => void;
}

let has_warned = false;

function save(pause: (this: void) => void): void {
  const [saved, cause] = save_health(pause);
  note_saving("health", cause);
  if (saved === undefined && !has_warned) ngx.log(ngx.WARN, `sluice: ${cause ?? ""}`);
  has_warned = saved === undefined;
}

function save_in_pieces(this: void): void {
  save(pause);
}

function save_at_exit(this: void): void {
  save(() => {
    // A worker that exits has no time for other work.
  });
}

function follow_weights(this: void): void {
  raise_weights();
  for_each_upstream(follow_loads);
}

/** Updates the shares of zones that requests use. */
const follow_zones = new_job({
  verb: "follow the loads of zones",
  rest: 1,
  run: () => {
    const due: LiveUpstream[] = [];
    for_each_upstream((upstream) => {
      if (uses_zones(upstream)) due.push(upstream);
    });
    for (const upstream of due) {
      pause_if_long();
      update_zones(upstream);
    }
    return undefined;
  },
});

function detect_outliers(this: void): void {
  const now = clock.now();
  for_each_upstream((upstream) => {
    compare_servers(upstream, now);
    find_anomalies(upstream, now);
  });
}

/** The tasks of the worker with the number 0. They concern the state that all workers share. */
const TASKS_OF_ONE_WORKER: readonly Task[] = [
  { run: compact_when_due, seconds: 1 },
  { run: free_lost_rows, seconds: 1 },
  { run: save_in_pieces, seconds: 1, last_run: save_at_exit },
  { run: watch_files, seconds: 0.5 },
  { run: remove_idle_servers, seconds: 1 },
  { run: remove_expired, seconds: 0.25 },
  { run: control_upstreams, seconds: 0.1 },
  { run: count_picks, seconds: 1 },
  { run: adapt_limits, seconds: 0.05 },
];

/** The tasks of every worker. They concern its own memory, or end what a dead worker has left. */
const TASKS_OF_EACH_WORKER: readonly Task[] = [
  { run: finish_write, seconds: 0.25 },
  { run: release_dead_slots, seconds: 2 },
  { run: refresh_all, seconds: 10 },
  { run: follow_weights, seconds: 0.25 },
  { run: follow_zones, seconds: 0.25 },
  { run: follow_limits, seconds: 0.05 },
  { run: detect_outliers, seconds: 0.1 },
  { run: probe_loads, seconds: 0.05 },
  { run: note_lua_memory, seconds: 5 },
  { run: note_seen_revision, seconds: 0.1 },
];

function start_tasks(tasks: readonly Task[]): void {
  for (const { run, seconds, last_run } of tasks) every(seconds, run, last_run);
}

/** Starts the light threads that share the servers and registries among the workers. */
function start_threads(cluster: EtcdConfig | undefined): void {
  start_prober();
  start_discovery();
  if (cluster === undefined) return;
  join_cluster(cluster);
  if (ngx.worker.id() === 0) follow_cluster();
}

/** Lets the modules of this Lua VM use the shared memory. */
function use_memories(memory: NumberPointer): void {
  use_own_memory(memory);
  use_loads(memory);
  use_sums(memory);
  use_retries(memory);
  use_generation(memory);
  // Without different seeds all workers would draw the same servers.
  math.randomseed(ngx.worker.pid() * 1000 + ((clock.now() * 1000) % 1000));
}

/**
 * Prepares the Lua VM of one request with `lua_code_cache off`; tasks run in that of `start_worker`. Phase:
 * init_by_lua.
 */
export function resume_worker(): void {
  const memory = shared_memory();
  use_memory(memory);
  const slot = resume_slot();
  if (slot !== undefined) use_slot(memory, slot);
  use_memories(memory);
}

/**
 * Prepares this worker for requests, and starts its tasks. Raises if `setup` was not called. `cluster` shares
 * the upstreams with other gateways. Phase: init_worker_by_lua.
 */
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
  if (take_over_background_work()) start_threads(cluster);
  if (ngx.worker.id() === 0) start_tasks(TASKS_OF_ONE_WORKER);
  finish_write();
  note_lua_memory();
  start_tasks(TASKS_OF_EACH_WORKER);
}
