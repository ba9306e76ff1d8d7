import type * as Options from "../../src/resty/sluice/config/options";
import type * as Clock from "../../src/resty/sluice/lib/clock";
import type * as Files from "../../src/resty/sluice/store/disk/files";
import type * as Sync from "../../src/resty/sluice/store/disk/sync";
import type * as Clustered from "../../src/resty/sluice/store/document/clustered";
import type * as HistoryFiles from "../../src/resty/sluice/store/history/files";
import { Header } from "../../src/resty/sluice/store/memory/header_cells";
import type * as Dict from "../../src/resty/sluice/store/memory/dict";
import type * as Region from "../../src/resty/sluice/store/memory/region";
import type * as Open from "../../src/resty/sluice/store/open";
import { start_tasks } from "./tasks";
import { new_dict, type Staged } from "./world/dict";
import { FOLDER } from "./world/libc";
import { new_open_files, type Machine } from "./world/machine";
import { new_nginx_lua, type Nginx } from "./world/nginx_lua";
import { kill, new_process, outside, start, type Process } from "./world/process";
import { after, count, note, type World } from "./world/world";

/** A gateway: the starts, reloads and ends of an nginx with workers, on one machine. */

/** The longest time from the death of a worker to the start of its successor, on a busy machine. */
const RESPAWN_SECONDS = 0.4;

type Require = (this: void, name: string) => unknown;

export interface Worker {
  process: Process;
  /** Returns a module of the worker's Lua VM, by its path below src/resty/sluice. */
  load: Require;
  id: number;
}

/** The options that differ between runs. */
export interface GatewayOptions {
  workers: number;
  dict_bytes: number;
  fsync: boolean;
  /** The seeds, as in `setup`. */
  upstreams: Record<string, unknown>;
  cluster?: object | undefined;
  /** The modules that stand for other machines, by their paths below src/resty/sluice. */
  modules?: ((this: void, process: Process) => Record<string, unknown>) | undefined;
  /** Called in each new worker, to start what the run needs there. */
  prepare?: ((this: void, worker: Worker, gateway: Gateway) => void) | undefined;
}

export interface Gateway {
  world: World;
  name: string;
  machine: Machine;
  options: GatewayOptions;
  /** Undefined: nginx does not run. */
  nginx: Nginx | undefined;
  /** The workers of the present configuration, and all that may still run. */
  workers: Worker[];
  processes: Process[];
  /** Counts the starts of nginx. */
  starts: number;
  is_starting: boolean;
  /** The process that runs `setup`. */
  master_pid: number;
  /** When the configuration of the workers was loaded. */
  loaded_at: number;
  /** The texts that changes have staged, by the revisions that they make. */
  staged: LuaTable<number, Staged>;
  /** The options as `setup` has read them. */
  read: Options.Options | undefined;
  /** Called when a start has ended, with the cause of a failure. */
  on_start: (this: void, cause: string | undefined) => void;
}

export function new_gateway(name: string, machine: Machine, options: GatewayOptions): Gateway {
  const { world } = machine;
  const gateway: Gateway = {
    ...{ world, name, machine, options, nginx: undefined, workers: [], processes: [] },
    ...{
      starts: 0,
      is_starting: false,
      master_pid: 0,
      loaded_at: 0,
      read: undefined,
      staged: new LuaTable(),
      on_start: () => undefined,
    },
  };
  return gateway;
}

function modules(require: Require): Require {
  return (name) => require(`src.resty.sluice.${string.gsub(name, "/", ".")[0]}`);
}

/** Makes a process with its Lua VM. */
function new_worker(gateway: Gateway, nginx: Nginx, id: number | undefined): Worker {
  const { machine, world } = gateway;
  machine.pids += 1;
  const kind = id === undefined ? "master" : `worker ${id}`;
  const process = new_process(world, `${gateway.name} ${kind} (${machine.pids})`, machine.pids);
  gateway.processes.push(process);
  const load = modules(new_nginx_lua(nginx, process, id, gateway.options.modules?.(process) ?? {}));
  return { process, load, id: id ?? -1 };
}

function options_of(gateway: Gateway, load: Require): Options.Options {
  if (gateway.read !== undefined) return gateway.read;
  const { options } = gateway;
  const { read_options } = load("config/options") as typeof Options;
  const { fsync, upstreams, cluster } = options;
  const given: Record<string, unknown> = { state_dir: FOLDER, fsync, upstreams };
  if (cluster !== undefined) given.cluster = cluster;
  gateway.read = read_options(given);
  return gateway.read;
}

/** Makes a Lua VM of the nginx that runs, which is no process of its own. */
export function new_spare_worker(gateway: Gateway): Worker {
  const nginx = gateway.nginx ?? error("nginx does not run", 0);
  const process = new_process(gateway.world, "spare", 0);
  return { process, id: -1, load: modules(new_nginx_lua(nginx, process, 0, {})) };
}

/** Lets a Lua VM use the memory that the master has mapped. */
export function fork_memory({ nginx }: Gateway, { load }: Worker): void {
  const dict = load("store/memory/dict") as typeof Dict;
  dict.open_dict("sluice");
  const region = load("store/memory/region") as typeof Region;
  region.attach(dict.recall("region") as number);
  if (nginx === undefined) error("nginx does not run", 0);
}

/** Sets up a worker's modules as those of the master that it is forked from. */
function fork(gateway: Gateway, worker: Worker): void {
  const { load } = worker;
  const { world } = gateway;
  const { now } = world;
  // This module notes when the master has loaded it.
  world.now = gateway.loaded_at;
  outside(() => load("store/memory/generation"));
  world.now = now;
  const { fsync, history, cluster } = options_of(gateway, load);
  fork_memory(gateway, worker);
  (load("store/disk/sync") as typeof Sync).set_fsync(fsync);
  const extent = { changes: history.changes, max_size: 16384 };
  (load("store/history/files") as typeof HistoryFiles).use_extent(extent);
  (load("store/document/clustered") as typeof Clustered).set_clustered(cluster !== undefined);
  const memory = (load("store/memory/region") as typeof Region).shared_memory();
  (load("lib/clock") as typeof Clock).keep_wall_offset(memory[Header.WALL_OFFSET]);
  (load("store/disk/files") as typeof Files).use_folder(FOLDER);
}

/** Starts a worker: it is forked from the master. Another one replaces it when it dies. */
export function start_worker(gateway: Gateway, id: number): void {
  const { nginx } = gateway;
  if (nginx === undefined) return;
  const worker = new_worker(gateway, nginx, id);
  const { process } = worker;
  gateway.workers[id] = worker;
  process.on_death.push(() => {
    if (gateway.workers[id] === worker && gateway.nginx === nginx) {
      after(gateway.world, gateway.world.random() * RESPAWN_SECONDS, () => {
        if (gateway.nginx === nginx && gateway.workers[id] === worker) start_worker(gateway, id);
      });
    }
  });
  start(process, () => {
    fork(gateway, worker);
    start_tasks(worker, options_of(gateway, worker.load).cluster);
    gateway.options.prepare?.(worker, gateway);
  });
}

/** Runs `setup` in the master: at a start, or at a reload. Then starts the workers. */
function run_setup(gateway: Gateway, nginx: Nginx, is_reload: boolean): void {
  const { world } = gateway;
  const master = new_worker(gateway, nginx, undefined);
  gateway.is_starting = true;
  gateway.master_pid = master.process.pid;
  master.process.on_death.push(() => {
    gateway.is_starting = false;
  });
  start(master.process, () => {
    const { open_store } = master.load("store/open") as typeof Open;
    const [opened, cause] = pcall(() => {
      open_store(options_of(gateway, master.load));
    });
    after(world, 0, () => {
      if (!master.process.is_alive) return;
      // The master holds no lock: what it has taken, it has released.
      master.process.is_alive = false;
      gateway.is_starting = false;
      if (gateway.nginx !== nginx) return;
      note(world, `${gateway.name} ${opened ? "has started" : `could not start: ${tostring(cause)}`}`);
      if (opened) take_over(gateway, is_reload);
      else if (!is_reload) gateway.nginx = undefined;
      gateway.on_start(opened ? undefined : tostring(cause));
    });
  });
}

function take_over(gateway: Gateway, is_reload: boolean): void {
  gateway.loaded_at = gateway.world.now;
  const earlier = gateway.workers;
  gateway.workers = [];
  for (const id of $range(0, gateway.options.workers - 1)) start_worker(gateway, id);
  if (!is_reload) return;
  for (const { process } of earlier) {
    process.is_exiting = true;
    after(gateway.world, 3, () => {
      if (process.is_alive) kill(process, "as it has ended");
    });
  }
}

/** Starts nginx, unless it runs. */
export function start_gateway(gateway: Gateway): void {
  if (gateway.nginx !== undefined) return;
  const { world, machine, options } = gateway;
  gateway.starts += 1;
  const nginx: Nginx = {
    world,
    name: gateway.name,
    dict: new_dict(options.dict_bytes, gateway.staged),
    open_files: new_open_files(machine),
    workers: options.workers,
  };
  gateway.nginx = nginx;
  run_setup(gateway, nginx, false);
}

/** Reloads nginx. */
export function reload(gateway: Gateway): void {
  if (gateway.nginx === undefined || gateway.is_starting || gateway.workers.length === 0) return;
  count(gateway.world, "reloads");
  run_setup(gateway, gateway.nginx, true);
}

/** Kills all processes of nginx. */
export function kill_all(gateway: Gateway, why: string): void {
  gateway.nginx = undefined;
  gateway.workers = [];
  for (const process of gateway.processes) kill(process, why);
  gateway.processes = [];
}
