import {
  check_requests,
  new_ledger,
  note_answer,
  note_start,
  note_revision,
  note_sent,
} from "../checks/ledger";
import type { Ledger } from "../checks/ledger";
import { start_follower } from "../checks/follower";
import { kill_all, new_gateway, reload, start_gateway, type Gateway } from "../gateway";
import { carry_out, type Operation } from "../operations";
import type { Action, Plan, Weights } from "../plan";
import { lose_power } from "../world/disk";
import { new_machine } from "../world/machine";
import { watch_revision } from "../world/memory";
import { kill_after, start } from "../world/process";
import { after, count, fail, note, run_until, type World } from "../world/world";

/** One gateway: its store, journal and workers, on a disk that fails and with processes that die. */

export const FAULTS: Weights = [
  ["kill", 8],
  ["kill all", 5],
  ["power", 3],
  ["reload", 3],
  ["full disk", 2],
  ["failing disk", 2],
  ["slow disk", 2],
  ["clock step", 1],
  ["stop", 1],
  ["full dict", 2],
];

/** How long nginx is down after it was killed, and the time in which everything must be well again. */
const DOWN_SECONDS = 0.2;
const SETTLE_SECONDS = 10;
/** How long a write of a dead worker may stay unfinished. */
const LONGEST_UNFINISHED = 2;

interface Run {
  world: World;
  plan: Plan;
  gateway: Gateway;
  ledger: Ledger;
  /** The last tags that clients have seen, by upstream, oldest first. */
  tags: string[][];
  tokens: number;
  /** The fault that the next request will meet. */
  armed: { kind: string; amount: number } | undefined;
  /** How often the disk had failed at the last start. */
  failed_disk: number;
}

function match_of({ tags }: Run, name: number, how: Action["match"]): string | undefined {
  const seen = tags[name];
  if (how === "none" || seen.length === 0) return undefined;
  return how === "seen" ? seen[seen.length - 1] : seen[math.floor(seen.length / 2)];
}

function send(run: Run, action: Action): void {
  const { gateway, world, ledger } = run;
  const count_of_workers = gateway.workers.length;
  if (count_of_workers === 0) return;
  const worker = gateway.workers[action.who % count_of_workers];
  if (!worker.process.is_alive) return;
  run.tokens += 1;
  const operation: Operation = {
    kind: action.request as Operation["kind"],
    names: action.names.map((name) => `app${name}`),
    token: run.tokens,
    match: match_of(run, action.names[0], action.match),
  };
  const sent = note_sent(ledger, operation);
  const { armed } = run;
  if (armed !== undefined && operation.kind !== "read") {
    run.armed = undefined;
    worker.process.on_death.unshift(() => {
      if (armed.kind !== "kill") die(run, armed.kind === "power");
    });
    kill_after(worker.process, armed.amount);
  }
  note(
    world,
    `request ${operation.token} to ${worker.process.name}: ${operation.kind} ${operation.match ?? ""}`,
  );
  start(worker.process, () => {
    const result = carry_out(worker, operation);
    const { problem, revision, tag } = result;
    note(world, `request ${operation.token}: ${problem?.text ?? string.format("revision %d", revision)}`);
    if (tag !== "") run.tags[action.names[0]].push(tag);
    note_answer(ledger, sent, result);
  });
}

function restart_later(run: Run): void {
  after(run.world, DOWN_SECONDS, () => {
    start_gateway(run.gateway);
  });
}

function die(run: Run, is_power: boolean): void {
  const { gateway, ledger, world, plan } = run;
  if (gateway.nginx === undefined) return;
  kill_all(gateway, is_power ? "by a loss of power" : "with all of nginx");
  ledger.observer = undefined;
  if (is_power) {
    gateway.machine.boot += 1;
    lose_power(gateway.machine.disk, world.random);
    if (!plan.fsync) ledger.may_lose = true;
  }
  restart_later(run);
}

function do_fault(run: Run, { kind, who, amount }: Action): void {
  const { gateway, world } = run;
  const { disk } = gateway.machine;
  const worker = gateway.workers[who % math.max(1, gateway.workers.length)];
  count(world, kind);
  note(world, `fault: ${kind}`);
  if (kind === "reload") reload(gateway);
  else if (kind === "clock step") world.wall_offset += (amount - 0.5) * 7200;
  else if (kind === "failing disk") disk.failures += 1 + math.floor(amount * 3);
  else if (kind === "full disk") {
    disk.room = math.floor(amount * 400);
    after(world, 0.5 + amount, () => {
      disk.room = math.huge;
    });
  } else if (kind === "slow disk") {
    disk.delay = amount * 0.3;
    after(world, 1, () => {
      disk.delay = 0;
    });
  } else if (kind === "full dict") {
    const dict = gateway.nginx?.dict;
    if (dict === undefined) return;
    const taken = math.max(0, dict.room - math.floor(amount * 600));
    dict.room -= taken;
    after(world, 0.5 + amount, () => {
      dict.room += taken;
    });
  } else if (worker !== undefined) do_to_process(run, kind, worker.process, amount);
}

function do_to_process(run: Run, kind: string, process: Gateway["processes"][0], amount: number): void {
  if (kind === "stop") {
    process.stopped = true;
    after(run.world, amount * 4, () => {
      process.stopped = false;
    });
    return;
  }
  // The next request dies after so many steps, wherever it is.
  run.armed = { kind, amount };
}

/** Checks again and again that no write of a dead worker stays unfinished. */
function watch_unfinished(run: Run, since: number | undefined): void {
  const { world, ledger, gateway } = run;
  const is_writing = gateway.nginx !== undefined && ledger.observer?.is_writing() === true;
  const began =
    is_writing && gateway.workers.every(({ process }) => !process.stopped) ? (since ?? world.now) : undefined;
  if (began !== undefined && world.now - began > LONGEST_UNFINISHED + gateway.machine.disk.delay * 20)
    fail(world, "a dead worker's write is finished", `for ${LONGEST_UNFINISHED} s`);
  after(world, 0.2, () => {
    watch_unfinished(run, began);
  });
}

/** Runs a plan in a new world. */
export function run_one_gateway(world: World, plan: Plan): void {
  const machine = new_machine(world);
  const gateway = new_gateway("gateway", machine, {
    ...{ workers: plan.workers, dict_bytes: plan.dict_bytes, fsync: plan.fsync },
    upstreams: { app0: { servers: [{ server: "10.0.0.9:80" }] } },
    prepare: (worker) => {
      start_follower(worker, run.ledger);
    },
  });
  const run: Run = {
    ...{ world, plan, gateway, ledger: new_ledger(gateway), tags: [[], [], []], tokens: 0 },
    armed: undefined,
    failed_disk: 0,
  };
  watch_revision(() => {
    note_revision(run.ledger);
  });
  gateway.on_start = (cause) => {
    if (cause === undefined) {
      note_start(run.ledger);
    } else if (gateway.nginx === undefined) {
      run.ledger.observer = undefined;
      const is_disk =
        machine.disk.room !== math.huge || run.failed_disk !== (world.counts.get("the disk failed") ?? 0);
      run.failed_disk = world.counts.get("the disk failed") ?? 0;
      if (!is_disk) fail(world, "the state can be loaded", cause);
      else restart_later(run);
    }
  };
  start_gateway(gateway);
  for (const action of plan.actions) {
    after(world, 0.5 + action.at, () => {
      if (action.kind === "request") send(run, action);
      else do_fault(run, action);
    });
  }
  after(world, 0.5, () => {
    watch_unfinished(run, undefined);
  });
  run_until(world, world.now + plan.seconds + SETTLE_SECONDS);
  if (world.failures.length > 0) return;
  if (gateway.nginx !== undefined) {
    die(run, false);
    run_until(world, world.now + 2);
  }
  if (world.failures.length === 0 && gateway.workers.length === 0)
    fail(world, "nginx runs in the end", "it does not");
  check_requests(run.ledger);
}
