/** Simulates 10,000 seeds. spec/simulation/ does the same with 200. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSimulation, simulate, SCENARIOS } from "../simulation/simulate.mjs";

const SEEDS = 10_000;

test(`no promise is broken in ${SEEDS} simulated runs`, async (context) => {
  compileSimulation();
  const seeds = Array.from({ length: Math.ceil(SEEDS / SCENARIOS.length) }, (_, index) => index + 1);
  const { failures, summary } = await simulate(SCENARIOS, seeds, { explain: true });
  context.diagnostic(summary);
  console.log(summary);
  assert.deepEqual(failures, []);
});
