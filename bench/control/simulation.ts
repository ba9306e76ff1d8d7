import type { Run } from "./record";
import { run_scenario, type Scenario } from "./scenario";
import { scenarios } from "./scenarios";

/**
 * Simulates how weights follow loads: src/resty/sluice/control/weights.ts with modelled servers and a
 * modelled clock.
 *
 *   luajit simulation.lua
 *
 * Prints lines of tab-separated fields: `scenario`, its `measure`s, and its `curve`s if it is drawn.
 */

/** Upper bound on the number of servers drawn in one scenario. */
const MOST_CURVES = 11;

function print_curves({ servers, loads, factors }: Run): void {
  for (const index of $range(0, servers.length - 1, math.ceil(servers.length / MOST_CURVES))) {
    const who = servers[index].lie === undefined ? "honest" : "liar";
    const load_texts: string[] = [];
    const factor_texts: string[] = [];
    for (const second of $range(0, loads.length - 1)) {
      load_texts.push(string.format("%.4f", loads[second][index]));
      factor_texts.push(string.format("%.4f", factors[second][index]));
    }
    print(table.concat(["curve", who, table.concat(load_texts, " "), table.concat(factor_texts, " ")], "\t"));
  }
}

function print_scenario(scenario: Scenario): void {
  const run = run_scenario(scenario);
  print(`scenario\t${scenario.label}\t${run.servers.length}`);
  for (const { what, value, bound, unit, is_least } of scenario.measures(run)) {
    const side = is_least === true ? "least" : "most";
    print(string.format("measure\t%s\t%.6f\t%.6f\t%s\t%s", what, value, bound, unit, side));
  }
  if (scenario.is_drawn === true) print_curves(run);
}

for (const scenario of scenarios) print_scenario(scenario);
