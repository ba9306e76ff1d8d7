import "../../spec/unit/support/nginx_stub";

import { POLICIES, type Compared } from "./policies";
import { run } from "./run";
import { SCENARIOS, type Scenario } from "./scenarios";

/**
 * Simulates how policies distribute requests, in virtual time.
 *
 *   luajit simulation.lua list
 *   printf 'published\tleast_load\t20\t0.9\t1\n' | luajit simulation.lua
 *
 * `list` prints the comparisons: lines of scenario, policy, gateways, load and "quick" or "full", with tabs
 * between them. Without it, each line of standard input is a run: scenario, policy, gateways, load and seed.
 * The line is printed with its outcome: p50, p99 and p99.9 in milliseconds, the number of requests, failures,
 * late requests, and imbalance.
 */

/** The time after which a gateway gives up a request, in seconds. */
const DEADLINE = 5;

function gateways_of(scenario: Scenario, compared: Compared): readonly number[] {
  return scenario.gateways.filter((count) => compared.gateways?.includes(count) !== false);
}

function list(): void {
  for (const scenario of SCENARIOS) {
    for (const compared of POLICIES) {
      if (compared.scenarios?.includes(scenario.name) === false) continue;
      for (const gateways of gateways_of(scenario, compared)) {
        for (const load of scenario.loads) {
          const kind = scenario.quick_loads.includes(load) ? "quick" : "full";
          print(`${scenario.name}\t${compared.name}\t${gateways}\t${load}\t${kind}`);
        }
      }
    }
  }
}

function milliseconds(sorted: readonly number[], share: number): string {
  return string.format("%.2f", (sorted[math.floor(sorted.length * share)] ?? 0) * 1000);
}

function named<T extends { name: string }>(all: readonly T[], name: string): T {
  return all.find((one) => one.name === name) ?? error(`there is no "${name}"`, 0);
}

/** Runs what a line names, and prints the line with the outcome. */
function run_line(line: string): void {
  const [name, policy_name, gateways, load, seed] = line.split("\t");
  const scenario = named(SCENARIOS, name);
  const { policy, warm_up } = named(POLICIES, policy_name);
  const number = tonumber(seed) as number;
  // LuaJIT 2.1.0-beta3 crashes after some hundred traces of different policies.
  jit.flush();
  const { latencies, failures, late, imbalance } = run({
    ...scenario,
    servers: scenario.fleet(number),
    load: tonumber(load) as number,
    seed: number,
    gateways: tonumber(gateways) as number,
    policy,
    warm_up: math.max(scenario.warm_up, warm_up ?? 0),
    deadline: DEADLINE,
  });
  const times = [0.5, 0.99, 0.999].map((share) => milliseconds(latencies, share));
  const counts = `${latencies.length}\t${failures}\t${late}\t${string.format("%.3f", imbalance)}`;
  print(`${line}\t${table.concat(times, "\t")}\t${counts}`);
}

const [first] = [...$vararg];
if (first === "list") list();
else {
  io.stdout.setvbuf("line");
  for (const [line] of io.lines()) run_line(line);
}
