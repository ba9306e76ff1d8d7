/**
 * Damages a state on disk 20,000 times, differently in each run. The state must be loaded as it was saved or
 * be refused.
 */
import { test } from "node:test";
import { damage, randomFrom } from "../gateway/support/damages.mjs";
import { takeSnapshots } from "../gateway/support/snapshots.mjs";
import { startLoader } from "../gateway/support/state_loader.mjs";

const DAMAGES = 20_000;

test("after each of 20,000 random damages the state is intact, lacks only a torn last line, or is refused", async (context) => {
  const load = startLoader(context);
  const seed = Date.now() % 2 ** 31;
  const random = randomFrom(seed);
  const snapshots = Object.entries(await takeSnapshots(context));
  for (const [, snapshot] of snapshots) await snapshot.learn(load);
  let refused = 0;
  for (let turn = 0; turn < DAMAGES; turn += 1) {
    const [name, snapshot] = snapshots[turn % snapshots.length];
    const { files, what } = damage(snapshot.files, random);
    const outcome = await load(files);
    snapshot.check(files, outcome, `seed ${seed}, damage ${turn}, ${name}: ${what}`);
    if (outcome.refused !== undefined) refused += 1;
  }
  context.diagnostic(`seed ${seed}: ${refused} of ${DAMAGES} were refused`);
});
