import { check_kept, watch_names } from "../checks/kept";
import { check_equal, check_shared, note_shared_answer, type SharedSent } from "../checks/shared";
import { carry_out, type Operation } from "../operations";
import type { Action, Plan, Weights } from "../plan";
import { end_watches, lose_data, new_etcd, type Etcd } from "../world/etcd";
import { etcd_modules, LATENCY, new_link, type Link } from "../world/etcd_client";
import { start } from "../world/process";
import { after, count, happens, note, run_until, type World } from "../world/world";
import { do_fault, FAULTS, new_site, strike, watch_sites, type Site } from "./faults";

/** Two gateways that share their upstreams through etcd, over a network that loses and delays. */

export const CLUSTER_FAULTS: Weights = [
  ["lose_requests", 3],
  ["lose_answers", 4],
  ["delay", 3],
  ["cut", 3],
  ["compact", 3],
  ["leader", 3],
  ["slow_link", 2],
  ["race", 4],
  ["empty_etcd", 1],
  ["old_etcd", 1],
  ...FAULTS,
];

const GATEWAYS = 2;
const PREFIX = "/s/";
const NAMES = ["app0", "app1", "app2"];
/** The latency of a slow network, in seconds. */
const SLOW_LATENCY = 0.1;
/** Enough for lost answers, a new session and the retries after it. */
const SETTLE_SECONDS = 16;
/** Enough to put back what etcd has lost, which begins with a wait for other gateways. */
const PUT_BACK_SECONDS = 15;

interface Run {
  world: World;
  etcd: Etcd;
  sites: Site[];
  links: Link[];
  tags: string[][];
  sent: SharedSent[];
}

function set_link(
  run: Run,
  { who, amount }: Action,
  change: (this: void, link: Link, is_on: boolean) => void,
): void {
  const link = run.links[who % GATEWAYS];
  change(link, true);
  after(run.world, 0.3 + amount * 2, () => {
    change(link, false);
  });
}

/** Lets another gateway make a change after a gateway has listed the keys, before it watches them. */
function race(run: Run, action: Action): void {
  const { world, etcd, links } = run;
  const { who, amount } = action;
  const link = links[who % GATEWAYS];
  end_watches(etcd, "could not read the answer: connection reset by peer", link);
  link.on_list = () => {
    count(world, "changes between a list and its watch");
    link.latency = SLOW_LATENCY;
    const names = [math.floor(amount * 1000) % NAMES.length];
    const request = happens(world.random, 0.7) ? "put" : "delete";
    send(run, { ...action, who: who + 1, request, names, match: "none" });
    after(world, SLOW_LATENCY / 4, () => {
      if (happens(world.random, 0.3)) etcd.compacted = etcd.revision;
      else if (happens(world.random, 0.2)) lose_data(etcd, math.floor(etcd.revision * amount));
    });
    after(world, 2 * SLOW_LATENCY, () => {
      link.latency = LATENCY;
    });
  };
}

function do_fault_of_etcd(run: Run, action: Action): void {
  const { world, etcd } = run;
  const { kind, amount } = action;
  if (kind === "compact") {
    etcd.compacted = etcd.revision;
  } else if (kind === "leader") {
    etcd.leaderless_until = world.now + amount;
    end_watches(etcd, "etcdserver: no leader");
  } else if (kind === "empty_etcd" || kind === "old_etcd") {
    lose_data(etcd, kind === "empty_etcd" ? 0 : math.floor(etcd.revision * amount));
  } else if (kind === "race") {
    race(run, action);
  } else if (kind === "slow_link") {
    set_link(run, action, (link, is_on) => {
      link.latency = is_on ? SLOW_LATENCY : LATENCY;
    });
  } else if (kind === "cut") {
    set_link(run, action, (link, is_on) => {
      link.is_cut = is_on;
    });
  } else {
    set_link(run, action, (link, is_on) => {
      const probability = is_on ? 0.3 + amount / 2 : 0;
      if (kind === "lose_requests") link.loses_requests = probability;
      else if (kind === "lose_answers") link.loses_answers = probability;
      else link.delays = probability;
    });
  }
  count(world, kind);
  note(world, `fault: ${kind}`);
}

function send(run: Run, action: Action): void {
  const { world, sites, etcd, tags } = run;
  const site = sites[action.who % GATEWAYS];
  const { workers } = site.gateway;
  if (workers.length === 0) return;
  const worker = workers[math.floor(action.who / GATEWAYS) % workers.length];
  if (!worker.process.is_alive) return;
  const [first] = action.names;
  const seen = tags[first];
  const operation: Operation = {
    kind: action.request as Operation["kind"],
    names: action.names.map((name) => `app${name}`),
    token: run.sent.length + 1,
    match: action.match === "none" || seen.length === 0 ? undefined : seen[seen.length - 1],
  };
  const sent: SharedSent = { operation, began: world.now, ended: math.huge, result: undefined };
  run.sent.push(sent);
  const { token, kind, match } = operation;
  if (kind !== "read") strike(site, worker);
  note(world, `request ${token} to ${worker.process.name}: ${kind} ${match ?? ""}`);
  start(worker.process, () => {
    const result = carry_out(worker, operation);
    note(world, `request ${token}: ${result.problem?.text ?? result.tag}`);
    if (result.tag !== "") seen.push(result.tag);
    note_shared_answer(etcd, PREFIX, sent, result);
  });
}

/** Runs a plan in a new world. */
export function run_cluster(world: World, plan: Plan): void {
  const etcd = new_etcd(world);
  const sites: Site[] = [];
  const links: Link[] = [];
  watch_sites(sites);
  const run: Run = { world, etcd, sites, links, tags: [[], [], []], sent: [] };
  for (const number of $range(1, GATEWAYS)) {
    const link = new_link();
    links.push(link);
    const roomy = { ...plan, dict_bytes: 65536, workers: 1 + (plan.workers % 2) };
    sites.push(
      new_site(world, roomy, `gateway ${number}`, {
        upstreams: { app0: { servers: [{ server: "10.0.0.9:80" }] } },
        cluster: { etcd: { endpoints: ["http://10.3.0.1:2379", "http://10.3.0.2:2379"], prefix: PREFIX } },
        modules: () => etcd_modules(etcd, link),
      }),
    );
  }
  for (const action of plan.actions) {
    after(world, 1 + action.at, () => {
      if (action.kind === "request") send(run, action);
      else if (FAULTS.some(([kind]) => kind === action.kind)) do_fault(sites[action.who % GATEWAYS], action);
      else do_fault_of_etcd(run, action);
    });
  }
  after(world, 1, () => {
    watch_names(etcd, PREFIX, sites);
  });
  run_until(world, world.now + plan.seconds + SETTLE_SECONDS);
  if (etcd.losses > 0) run_until(world, world.now + PUT_BACK_SECONDS);
  if (world.failures.length > 0) return;
  for (const { gateway, ledger } of sites) {
    const state = ledger.states.get(ledger.last);
    for (const name of NAMES) check_equal(world, etcd, PREFIX + name, gateway.name, state.get(name));
  }
  if (etcd.losses > 0) check_kept(etcd, PREFIX, sites, run.sent, NAMES);
  else check_shared(etcd, PREFIX, run.sent, NAMES);
}
