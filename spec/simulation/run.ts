import { decode } from "../../src/resty/sluice/lib/json";
import { describe, new_plan, type Plan } from "./plan";
import { SCENARIOS, type Scenario } from "./scenarios/all";
import { shrink } from "./shrink";
import { use_mutations, type Mutation } from "./world/lua";
import { new_world, type World } from "./world/world";

/**
 * Runs simulations by seed.
 *
 *   printf 'one_gateway 17\n' | luajit run.lua '[]'
 *
 * The argument is a JSON list of changes of modules (`Mutation`). Each line of standard input is a scenario
 * and a seed. The answer is a line `ok <scenario> <seed> <faults>`, or
 * `failed <scenario> <seed> <check>: <what>`. After `explain`, a line also prints the shortest plan that
 * fails in the same way, and its trace.
 */

function run_plan(scenario: Scenario, plan: Plan): World {
  const world = new_world(plan.seed);
  scenario.run(world, plan);
  for (const close of world.closers) close();
  return world;
}

function counts_of({ counts }: World): string {
  const texts: string[] = [];
  for (const [what, count] of pairs(counts)) texts.push(`${string.gsub(what, " ", "_")[0]}=${count}`);
  table.sort(texts);
  return table.concat(texts, " ");
}

/** Prints the shortest plan that fails at the same check, and what happens in it. */
function explain(scenario: Scenario, plan: Plan, check: string): void {
  const shortest = shrink(plan, (shorter) => run_plan(scenario, shorter).failures[0]?.check === check);
  const { seed, fsync, workers, dict_bytes, actions } = shortest;
  print(
    `  seed ${seed}: fsync ${fsync ? "on" : "off"}, ${workers} workers, a dict of ${dict_bytes} bytes, ` +
      `${actions.length} of ${plan.actions.length} actions`,
  );
  for (const action of actions) print(`  ${describe(action)}`);
  print("  trace:");
  for (const line of run_plan(scenario, shortest).trace) print(`  ${line}`);
}

function run_line(line: string): void {
  const [name, digits, more] = string.match(line, "^(%S+) (%d+) ?(%S*)$");
  const scenario = SCENARIOS.find((one) => one.name === name) ?? error(`there is no scenario "${name}"`, 0);
  const seed = tonumber(digits) as number;
  const plan = new_plan(name, seed, scenario.faults, scenario.whos);
  const world = run_plan(scenario, plan);
  const [failure] = world.failures;
  if (failure === undefined) {
    print(`ok ${name} ${seed} ${counts_of(world)}`);
    return;
  }
  print(`failed ${name} ${seed} ${failure.check}: ${failure.text}`);
  if (more === "explain") explain(scenario, plan, failure.check);
}

declare const jit: { off: (this: void) => void };

const [json] = [...$vararg];
const [mutations] = decode(json ?? "[]");
use_mutations(mutations as Mutation[]);
// Each process runs its own functions, so what is compiled for one is of little use to the next.
jit.off();
collectgarbage("setpause", 400);
io.stdout.setvbuf("line");
for (const [line] of io.lines()) run_line(line);
