import { new_ledger, note_revision, note_start, type Ledger } from "../checks/ledger";
import { start_follower } from "../checks/follower";
import {
  kill_all,
  new_gateway,
  reload,
  start_gateway,
  type Gateway,
  type GatewayOptions,
  type Worker,
} from "../gateway";
import type { Action, Plan, Weights } from "../plan";
import { Lock } from "../../../src/resty/sluice/store/memory/lock";
import { lose_power } from "../world/disk";
import { holder, new_machine } from "../world/machine";
import { watch_revision } from "../world/memory";
import {
  kill,
  kill_after,
  kill_in_write,
  kill_publishing,
  running_process,
  type Process,
} from "../world/process";
import { after, below, count, fail, note, type World } from "../world/world";

/** A gateway in a run: its faults, its restarts, and the checks that hold in any scenario. */

/** The faults of a gateway and its machine. */
export const FAULTS: Weights = [
  ["kill", 8],
  ["kill_all", 5],
  ["power", 3],
  ["reload", 3],
  ["full_disk", 2],
  ["failing_disk", 2],
  ["slow_disk", 2],
  ["clock_step", 1],
  ["stop", 1],
  ["full_dict", 2],
];

/** How long nginx is down after it was killed. */
const DOWN_SECONDS = 0.2;
/** A write with two waits for the disk takes about as long. */
const SECONDS_OF_WRITE = 0.008;
/** The changes of shared memory of a write that is journalled and published. */
const CHANGES_OF_WRITE = 30;
/** How long a write of a dead worker may stay unfinished. */
const LONGEST_UNFINISHED = 2;

export interface Site {
  world: World;
  plan: Plan;
  gateway: Gateway;
  ledger: Ledger;
  /** The fault that the next request will meet. */
  armed: { kind: string; amount: number } | undefined;
  /** How often the disk had failed at the last start. */
  failed_disk: number;
}

function disk_failures({ counts }: World): number {
  return counts.get("the disk failed") ?? 0;
}

/** Kills nginx, perhaps by a loss of power, and starts it again. */
export function die({ gateway, ledger, world, plan }: Site, is_power: boolean): void {
  if (gateway.nginx === undefined) return;
  kill_all(gateway, is_power ? "by a loss of power" : "with all of nginx");
  ledger.observer = undefined;
  if (is_power) {
    gateway.machine.boot += 1;
    lose_power(gateway.machine.disk, world.random);
    if (!plan.fsync) ledger.may_lose = true;
  }
  after(world, DOWN_SECONDS, () => {
    start_gateway(gateway);
  });
}

/** Kills a process after some time, for example while it waits for the disk. */
function kill_within(world: World, process: Process, seconds: number): void {
  after(world, seconds, () => {
    if (process.is_alive) count(world, "killed at a time");
    kill(process, "at a time");
  });
}

/** Lets the fault that waits for a request strike a worker during this one. */
export function strike(site: Site, { process }: Worker): void {
  const { armed } = site;
  if (armed === undefined) return;
  site.armed = undefined;
  process.on_death.unshift(() => {
    if (armed.kind !== "kill") die(site, armed.kind === "power");
  });
  // Writes of files are few among the steps, and the most delicate ones.
  const { random } = site.world;
  const chance = random();
  if (chance < 0.25) kill_in_write(process, 1 + below(random, 3));
  else if (chance < 0.5) kill_publishing(process, 1 + below(random, CHANGES_OF_WRITE));
  else if (chance < 0.8) kill_within(site.world, process, random() * SECONDS_OF_WRITE);
  else kill_after(process, armed.amount);
}

function stop_process(world: World, process: Process, seconds: number): void {
  process.stopped = true;
  after(world, seconds, () => {
    process.stopped = false;
  });
}

/** Lets a fault happen. */
export function do_fault(site: Site, { kind, who, amount }: Action): void {
  const { gateway, world } = site;
  const { disk } = gateway.machine;
  const workers = gateway.workers.length;
  count(world, kind);
  note(world, `fault: ${kind}`);
  if (kind === "reload") reload(gateway);
  else if (kind === "clock_step") world.wall_offset += (amount - 0.5) * 7200;
  else if (kind === "failing_disk") {
    disk.failures += 1 + math.floor(amount * 3);
    after(world, 1 + amount, () => {
      disk.failures = 0;
    });
  } else if (kind === "full_disk") {
    disk.room = math.floor(amount * 400);
    after(world, 0.5 + amount, () => {
      disk.room = math.huge;
    });
  } else if (kind === "slow_disk") {
    disk.delay = amount * 0.3;
    after(world, 1, () => {
      disk.delay = 0;
    });
  } else if (kind === "full_dict") fill_dict(site, amount);
  else if (kind === "stop") {
    if (workers > 0) stop_process(world, gateway.workers[who % workers].process, amount * 4);
  } else site.armed = { kind, amount };
}

function fill_dict({ gateway, world }: Site, amount: number): void {
  const dict = gateway.nginx?.dict;
  if (dict === undefined) return;
  const taken = math.max(0, dict.room - math.floor(amount * 600));
  dict.room -= taken;
  after(world, 0.5 + amount, () => {
    dict.room += taken;
  });
}

/** Checks again and again that no write of a dead worker stays unfinished. */
function watch_unfinished(site: Site, since: number | undefined): void {
  const { world, ledger, gateway } = site;
  const is_writing = gateway.nginx !== undefined && ledger.observer?.is_writing() === true;
  const open_files = gateway.nginx?.open_files;
  const writer = open_files === undefined ? undefined : holder(open_files, Lock.WRITE);
  const began = is_writing && writer === undefined ? (since ?? world.now) : undefined;
  const longest = LONGEST_UNFINISHED + gateway.machine.disk.delay * 20;
  if (began !== undefined && world.now - began > longest)
    fail(world, "a dead worker's write is finished", `for ${LONGEST_UNFINISHED} s`);
  after(world, 0.2, () => {
    watch_unfinished(site, began);
  });
}

function note_end_of_start(site: Site, cause: string | undefined): void {
  const { world, gateway, ledger } = site;
  if (cause === undefined) {
    note_start(ledger);
  } else if (gateway.nginx === undefined) {
    ledger.observer = undefined;
    const has_failed = disk_failures(world) !== site.failed_disk;
    site.failed_disk = disk_failures(world);
    if (gateway.machine.disk.room === math.huge && !has_failed) fail(world, "the state can be loaded", cause);
    else
      after(world, DOWN_SECONDS, () => {
        start_gateway(gateway);
      });
  }
}

/** Makes a gateway with its machine and its checks, and starts it. */
export function new_site(
  world: World,
  plan: Plan,
  name: string,
  options: Omit<GatewayOptions, "workers" | "dict_bytes" | "fsync">,
): Site {
  const { workers, dict_bytes, fsync } = plan;
  const gateway = new_gateway(name, new_machine(world), {
    ...options,
    ...{ workers, dict_bytes, fsync },
    prepare: (worker, at) => {
      start_follower(worker, site.ledger);
      options.prepare?.(worker, at);
    },
  });
  const site: Site = { world, plan, gateway, ledger: new_ledger(gateway), armed: undefined, failed_disk: 0 };
  gateway.on_start = (cause) => {
    note_end_of_start(site, cause);
  };
  after(world, 0, () => {
    start_gateway(gateway);
  });
  after(world, 0.5, () => {
    watch_unfinished(site, undefined);
  });
  return site;
}

/** Tells the ledgers of gateways about each revision. */
export function watch_sites(sites: readonly Site[]): void {
  watch_revision(() => {
    const process = running_process();
    for (const { gateway, ledger } of sites) {
      if (process !== undefined && gateway.processes.includes(process)) note_revision(ledger);
    }
  });
}
