/** A webhook that fails for a whole minute, as spec/control/webhook.test.mjs tests it for some seconds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCalling } from "../control/support/receiver.mjs";
import { decisionsOf, explain, report } from "../control/support/scaled.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const MINUTE = 60_000;
/** The longest pause between two calls, and the time-out of a call. */
const LATEST = 40_000;

/** @type {[string, import("../control/support/receiver.mjs").Manner | undefined][]} */
const failures = [
  ["answers 500", "status 500"],
  ["is not there", undefined],
];

for (const [name, manner] of failures) {
  test(`a receiver that ${name} for a minute receives one decision once`, async (context) => {
    const isThere = manner !== undefined;
    const { api, receiver } = await startCalling(context, { isThere }, { cooldown: "5s" });
    if (manner !== undefined) receiver.manner = manner;
    const started = performance.now();
    while (performance.now() - started < MINUTE) {
      await report(api, [0.9]);
      await sleep(1000);
    }
    assert.equal((await decisionsOf(api)).length, 1, "one at a time, however long it takes");
    const { call } = (await explain(api)).autoscale;
    receiver.manner = "ok";
    if (!isThere) await receiver.listen();
    await waitFor("it is heard", () => receiver.heard().length > 0, LATEST);
    assert.deepEqual(receiver.heard(), [call]);
    assert.deepEqual(receiver.keys(), [call]);
    await waitFor("that is known", async () => (await explain(api)).autoscale.call === undefined);
    // The cooldown counts from the answer: then, and not before, there may be another decision, by another
    // key.
    assert.equal((await decisionsOf(api)).length, 1);
    await report(api, [0.9]);
    await waitFor("the next decision is heard", () => receiver.heard().length === 2, LATEST);
    assert.equal(receiver.keys().length, 2);
    assert.equal(receiver.most, 1, "never two calls at a time");
  });
}
