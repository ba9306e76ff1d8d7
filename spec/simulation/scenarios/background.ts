import type * as Node from "../../../src/resty/sluice/config/node";
import type * as Server from "../../../src/resty/sluice/config/server";
import type * as Controller from "../../../src/resty/sluice/control/controller";
import type * as Expiry from "../../../src/resty/sluice/discovery/expiry";
import type * as Clock from "../../../src/resty/sluice/lib/clock";
import type * as Job from "../../../src/resty/sluice/lib/job";
import type * as Nodes from "../../../src/resty/sluice/store/document/nodes";
import type * as Dict from "../../../src/resty/sluice/store/memory/dict";
import type * as Write from "../../../src/resty/sluice/store/write";
import { note_webhook_call, new_calls, type Calls } from "../checks/webhook";
import type { Worker } from "../gateway";
import type { Action, Plan, Weights } from "../plan";
import { sleep, start, type Process } from "../world/process";
import { after, count, fail, happens, note, run_until, type World } from "../world/world";
import { do_fault, FAULTS, new_site, strike, watch_sites, type Site } from "./faults";

/**
 * The background work of one gateway: registrations that end, the guard of removals, and calls of the
 * webhook of `autoscale`, while processes die and clocks are set.
 */

const TTL_SECONDS = 4;
const RENEW_SECONDS = 1;
/** Enough for registrations to end after the last fault, with the confirmations of the guard. */
const SETTLE_SECONDS = 20;
const LOOK_SECONDS = 0.25;
const CALL_SECONDS = 5;
/** How long all nodes are away at most: longer than registrations and confirmations last. */
const LONGEST_AWAY_SECONDS = 30;

/** The faults of a gateway, and the end of all nodes. */
export const BACKGROUND_FAULTS: Weights = [...FAULTS, ["all_end", 2]];

interface Member {
  name: string;
  address: string;
  /** False: its program has ended, and it renews no more. */
  is_there: boolean;
  /** Until then its program does not start again. */
  away_until: number;
  /** When it last heard that it is registered, and since when it has renewed without a failure. */
  renewed: number;
  since: number;
}

interface Run {
  site: Site;
  members: Member[];
  calls: Calls;
}

/** Registers a node, or renews its registration, as the API does. Returns whether that has succeeded. */
function register({ load }: Worker, member: Member): boolean {
  const { read_server } = load("config/server") as typeof Server;
  const { register: register_node, node_server, renew } = load("store/document/nodes") as typeof Nodes;
  const { now } = load("lib/clock") as typeof Clock;
  const { get_text } = load("store/memory/dict") as typeof Dict;
  const { write } = load("store/write") as typeof Write;
  const node: Node.NodeConfig = { name: member.name, ttl: `${TTL_SECONDS}s`, incarnation: "" };
  const [given] = read_server({ server: member.address });
  if (given === undefined) return false;
  const server = node_server(given, node);
  const text = get_text("nodes");
  if (text !== undefined && renew(text, server, now()) !== undefined) return true;
  const [, problem] = write("nodes", { author: "client" }, (current, revision) => {
    if (current === undefined) return $multi(undefined, undefined);
    return register_node(current, server, now(), revision);
  });
  return problem === undefined;
}

/** Lets a member renew its registration for as long as it is there. */
function renew_again(run: Run, member: Member, turn: number): void {
  const { site } = run;
  const { world, gateway } = site;
  if (!member.is_there) return;
  const workers = gateway.workers.length;
  const worker = gateway.workers[turn % math.max(1, workers)] as Worker | undefined;
  const is_late = world.now - member.renewed > 1.5 * RENEW_SECONDS;
  if (is_late) member.since = math.huge;
  if (worker?.process.is_alive === true) {
    start(worker.process, () => {
      if (!register(worker, member)) return;
      if (member.since === math.huge) member.since = world.now;
      member.renewed = world.now;
    });
  }
  after(world, RENEW_SECONDS, () => {
    renew_again(run, member, turn + 1);
  });
}

/** Checks the servers of the upstream at each revision. */
function check_servers(run: Run, before: number): void {
  const { world, ledger, gateway } = run.site;
  const state = gateway.nginx === undefined ? undefined : ledger.states.get(ledger.last);
  const text = state?.get("nodes");
  let servers = before;
  if (text !== undefined) {
    servers = 0;
    for (const [,] of string.gmatch(text, '"source":"register"')) servers += 1;
    if (servers === 0 && before > 0) fail(world, "the guard never empties an upstream", "no server is left");
    for (const { name, is_there, since } of run.members) {
      const is_known = string.find(text, `"name":"${name}"`, 1, true)[0] !== undefined;
      if (is_there && !is_known && world.now - since > 1)
        fail(world, "a node that renews stays", `${name} is gone although it renews since ${since}`);
    }
  }
  after(world, LOOK_SECONDS, () => {
    check_servers(run, servers);
  });
}

/** The receiver of the webhook: it answers, or the answer or the call is lost. */
function call_webhook(
  this: void,
  run: Run,
  process: Process,
  id: string,
): LuaMultiReturn<[true | undefined, string | undefined]> {
  const { world } = run.site;
  sleep(0.001 + world.random() * 0.05);
  if (happens(world.random, 0.2)) {
    sleep(happens(world.random, 0.5) ? CALL_SECONDS : 0.01);
    count(world, "webhook calls lost");
    return $multi(undefined, "could not connect: connection refused");
  }
  const is_lost = happens(world.random, 0.2);
  note_webhook_call(run.calls, process, id, is_lost);
  if (is_lost) {
    sleep(CALL_SECONDS);
    count(world, "webhook answers lost");
    return $multi(undefined, "could not read the answer: timeout");
  }
  sleep(0.001 + world.random() * 0.05);
  if (process.is_alive) run.calls.answered.add(id);
  return $multi(true, undefined);
}

function prepare({ load, id }: Worker): void {
  if (id !== 0) return;
  const { every } = load("lib/job") as typeof Job;
  every(0.25, (load("discovery/expiry") as typeof Expiry).remove_expired);
  every(0.1, (load("control/controller") as typeof Controller).control_upstreams);
}

/** Lets all programs end: all registrations end, and the guard must keep the last servers. */
function end_all({ site, members }: Run, seconds: number): void {
  const { world } = site;
  count(world, "all_end");
  note(world, "fault: all nodes end");
  for (const member of members) {
    member.is_there = false;
    member.away_until = world.now + seconds;
  }
}

function act(run: Run, action: Action): void {
  const { site, members } = run;
  if (action.kind === "all_end") {
    end_all(run, action.amount * LONGEST_AWAY_SECONDS);
    return;
  }
  if (action.kind !== "request") {
    do_fault(site, action);
    return;
  }
  const member = members[action.who % members.length];
  if (action.request === "delete") {
    if (member.is_there) note(site.world, `${member.name} ends`);
    member.is_there = false;
    return;
  }
  const [worker] = site.gateway.workers as (Worker | undefined)[];
  if (worker?.process.is_alive === true) strike(site, worker);
  if (!member.is_there && site.world.now > member.away_until) {
    member.is_there = true;
    member.since = math.huge;
    renew_again(run, member, action.who);
  }
}

/** Runs a plan in a new world. */
export function run_background(world: World, plan: Plan): void {
  const sites: Site[] = [];
  watch_sites(sites);
  const autoscale = { min: 3, max: 9, cooldown: "2s", webhook: { url: "http://10.9.9.9/", secret: "s" } };
  // Without fsync, a loss of power may lose registrations.
  const site = new_site(world, { ...plan, fsync: true }, "gateway", {
    upstreams: {
      nodes: { servers: [], discovery: { max_removal_percent: 50, removal_confirmations: 2 } },
      scaled: { servers: [{ server: "10.0.0.1:80" }], autoscale },
    },
    prepare,
    modules: (process) => ({
      "control/webhook": {
        TIMEOUT_SECONDS: CALL_SECONDS,
        call_webhook: (_webhook: object, { id }: { id: string }) => call_webhook(run, process, id),
      },
    }),
  });
  sites.push(site);
  const run: Run = { site, members: [], calls: new_calls(world) };
  for (const number of $range(1, 4)) {
    const name = `node${number}`;
    const member = { name, address: `10.2.0.${number}:80`, is_there: true, away_until: 0 };
    run.members.push({ ...member, renewed: 0, since: math.huge });
    after(world, 0.3 + number * 0.1, () => {
      renew_again(run, run.members[number - 1], number);
    });
  }
  after(world, 1, () => {
    check_servers(run, 0);
  });
  for (const action of plan.actions) {
    after(world, 1 + action.at * 2, () => {
      act(run, action);
    });
  }
  run_until(world, world.now + 2 * plan.seconds + SETTLE_SECONDS);
}
