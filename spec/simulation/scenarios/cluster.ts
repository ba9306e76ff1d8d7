import { check_equal, check_shared, note_shared_answer, type SharedSent } from "../checks/shared";
import { carry_out, type Operation } from "../operations";
import type { Action, Plan, Weights } from "../plan";
import { end_watches, new_etcd, type Etcd } from "../world/etcd";
import { etcd_modules, new_link, type Link } from "../world/etcd_client";
import { start } from "../world/process";
import { after, count, note, run_until, type World } from "../world/world";
import { do_fault, FAULTS, new_site, strike, watch_sites, type Site } from "./faults";

/** Two gateways that share their upstreams through etcd, over a network that loses and delays. */

export const CLUSTER_FAULTS: Weights = [
  ["lose_requests", 3],
  ["lose_answers", 4],
  ["delay", 3],
  ["cut", 3],
  ["compact", 3],
  ["leader", 3],
  ...FAULTS.filter(([kind]) => kind !== "power" && kind !== "full_dict"),
];

const GATEWAYS = 2;
const PREFIX = "/s/";
const NAMES = ["app0", "app1", "app2"];
/** Enough for lost answers, a new session and the retries after it. */
const SETTLE_SECONDS = 16;

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

function do_fault_of_etcd(run: Run, action: Action): void {
  const { world, etcd } = run;
  const { kind, amount } = action;
  if (kind === "compact") {
    etcd.compacted = etcd.revision;
  } else if (kind === "leader") {
    etcd.leaderless_until = world.now + amount;
    end_watches(etcd, "etcdserver: no leader");
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
  run_until(world, world.now + plan.seconds + SETTLE_SECONDS);
  if (world.failures.length > 0) return;
  for (const { gateway, ledger } of sites) {
    const state = ledger.states.get(ledger.last);
    for (const name of NAMES) check_equal(world, etcd, PREFIX + name, gateway.name, state.get(name));
  }
  check_shared(etcd, PREFIX, run.sent, NAMES);
}
