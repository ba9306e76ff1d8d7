/** Simulates the store and what depends on it with faults, by seed: docs/reliability.md. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { MUTATIONS } from "./mutations.mjs";
import { compileSimulation, simulate, SCENARIOS } from "./simulate.mjs";

/** The seeds of all scenarios together, and those after which a known fault must have been found. */
const SEEDS = 200;
const SEEDS_OF_MUTATION = 1000;

/** @param {number} count */
function seedsUpTo(count) {
  return Array.from({ length: count }, (_, index) => index + 1);
}

before(() => {
  compileSimulation();
});

for (const scenario of SCENARIOS) {
  test(`no promise is broken by the faults of ${scenario}`, async () => {
    const { failures, runs } = await simulate([scenario], seedsUpTo(SEEDS / SCENARIOS.length), {
      explain: true,
    });
    assert.deepEqual(failures, []);
    assert.ok(runs > 0);
  });
}

test("a seed has the same outcome each time", async () => {
  const [first, second] = [await simulate(SCENARIOS, [5]), await simulate(SCENARIOS, [5])];
  assert.deepEqual([...first.counts], [...second.counts]);
});

for (const mutation of MUTATIONS) {
  test(`the simulation finds a known fault: ${mutation.about}`, async () => {
    const seeds = seedsUpTo(SEEDS_OF_MUTATION);
    const { failures, summary } = await simulate([mutation.scenario], seeds, { mutation, stopsEarly: true });
    assert.notEqual(failures.length, 0, `${mutation.name} was not found: ${summary}`);
  });
}
