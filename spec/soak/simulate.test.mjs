/** Simulates 10,000 seeds. spec/simulation/ does the same with 200. `--write` puts the figures into docs/. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSimulation, simulate, SCENARIOS } from "../simulation/simulate.mjs";
import { writeSimulationPage } from "./support/simulation_page.mjs";

const SEEDS = 10_000;

test(`no promise is broken in ${SEEDS} simulated runs`, async (context) => {
  compileSimulation();
  const seeds = Array.from({ length: Math.ceil(SEEDS / SCENARIOS.length) }, (_, index) => index + 1);
  /** @type {Map<string, Awaited<ReturnType<typeof simulate>>>} */
  const runs = new Map();
  for (const scenario of SCENARIOS) {
    const run = await simulate([scenario], seeds, { explain: true });
    runs.set(scenario, run);
    const summary = `${scenario}: ${run.summary}`;
    context.diagnostic(summary);
    console.log(summary);
  }
  if (process.env.SLUICE_SOAK_WRITE !== undefined) await writeSimulationPage(runs);
  assert.deepEqual(
    [...runs.values()].flatMap(({ failures }) => failures),
    [],
  );
});
