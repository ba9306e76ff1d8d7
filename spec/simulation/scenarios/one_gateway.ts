import { check_requests, note_answer, note_sent } from "../checks/ledger";
import { carry_out, type Operation } from "../operations";
import type { Action, Plan } from "../plan";
import { start } from "../world/process";
import { after, fail, note, run_until, type World } from "../world/world";
import { die, do_fault, new_site, strike, watch_sites, type Site } from "./faults";

/** One gateway: its store, journal and workers, on a disk that fails and with processes that die. */

/** The time in which everything must be well again. */
const SETTLE_SECONDS = 10;

interface Run {
  site: Site;
  /** The last tags that clients have seen, by upstream, oldest first. */
  tags: string[][];
  tokens: number;
}

function match_of({ tags }: Run, name: number, how: Action["match"]): string | undefined {
  const seen = tags[name];
  if (how === "none" || seen.length === 0) return undefined;
  return how === "seen" ? seen[seen.length - 1] : seen[math.floor(seen.length / 2)];
}

function send(run: Run, action: Action): void {
  const { world, ledger, gateway } = run.site;
  const workers = gateway.workers.length;
  if (workers === 0) return;
  const worker = gateway.workers[action.who % workers];
  if (!worker.process.is_alive) return;
  run.tokens += 1;
  const operation: Operation = {
    kind: action.request as Operation["kind"],
    names: action.names.map((name) => `app${name}`),
    token: run.tokens,
    match: match_of(run, action.names[0], action.match),
  };
  const { token, kind, match } = operation;
  const sent = note_sent(ledger, operation);
  if (kind !== "read") strike(run.site, worker);
  note(world, `request ${token} to ${worker.process.name}: ${kind} ${match ?? ""}`);
  start(worker.process, () => {
    const result = carry_out(worker, operation);
    const { problem, revision, tag } = result;
    note(world, `request ${token}: ${problem?.text ?? string.format("revision %d", revision)}`);
    if (tag !== "") run.tags[action.names[0]].push(tag);
    note_answer(ledger, sent, result);
  });
}

/** Runs a plan in a new world. */
export function run_one_gateway(world: World, plan: Plan): void {
  const sites: Site[] = [];
  watch_sites(sites);
  const site = new_site(world, plan, "gateway", {
    upstreams: { app0: { servers: [{ server: "10.0.0.9:80" }] } },
  });
  sites.push(site);
  const run: Run = { site, tags: [[], [], []], tokens: 0 };
  for (const action of plan.actions) {
    after(world, 0.5 + action.at, () => {
      if (action.kind === "request") send(run, action);
      else do_fault(site, action);
    });
  }
  run_until(world, world.now + plan.seconds + SETTLE_SECONDS);
  if (world.failures.length > 0) return;
  const lost = site.ledger.observer?.lost_rows() ?? 0;
  if (lost > 0) fail(world, "no row is lost", `${lost} rows are neither free nor used`);
  die(site, false);
  run_until(world, world.now + 2);
  if (world.failures.length > 0) return;
  if (site.gateway.workers.length === 0) fail(world, "nginx runs in the end", "it does not");
  check_requests(site.ledger);
}
