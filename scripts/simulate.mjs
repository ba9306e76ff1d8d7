/**
 * `npm run simulate`: runs the store, its journal and its neighbours on a virtual clock, disk, network and
 * scheduler, by seed (docs/reliability.md).
 *
 *   npm run simulate                              200 seeds of each scenario
 *   npm run simulate -- --seeds 5000              so many of each
 *   npm run simulate -- --seed 17 --scenario one_gateway      explains one: its shortest plan and its trace
 *   npm run simulate -- --mutation <name> …       with a known fault put back
 */
import { parseArgs } from "node:util";
import { MUTATIONS } from "../spec/simulation/mutations.mjs";
import { compileSimulation, simulate, SCENARIOS } from "../spec/simulation/simulate.mjs";
import { isMain, stop } from "./command.mjs";
import { ensureNodeModules, ensureTestTools } from "./setup.mjs";

const DEFAULT_SEEDS = 200;

/** @param {string} text @param {string} option @returns {number} */
function wholeNumber(text, option) {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : stop(`--${option} must be a whole number above 0`);
}

async function main() {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      scenario: { type: "string" },
      mutation: { type: "string" },
    },
  });
  const mutation = MUTATIONS.find(({ name }) => name === values.mutation);
  if (values.mutation !== undefined && mutation === undefined)
    stop(`there is no mutation ${values.mutation}`);
  if (values.scenario !== undefined && !SCENARIOS.includes(values.scenario))
    stop(`there is no scenario ${values.scenario}: ${SCENARIOS.join(", ")}`);
  const seed = values.seed === undefined ? undefined : wholeNumber(values.seed, "seed");
  const seeds = wholeNumber(values.seeds ?? String(DEFAULT_SEEDS), "seeds");
  const all = seed === undefined ? Array.from({ length: seeds }, (_, index) => index + 1) : [seed];
  compileSimulation();
  const scenarios = values.scenario === undefined ? SCENARIOS : [values.scenario];
  const run = await simulate(scenarios, all, { mutation, explain: true });
  for (const line of run.failures) console.log(line);
  console.log(run.summary);
  process.exitCode = run.failures.length === 0 ? 0 : 1;
}

if (isMain(import.meta.url)) {
  ensureNodeModules();
  ensureTestTools(["luajit"]);
  await main();
}
