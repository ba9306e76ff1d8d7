/**
 * Tests a webhook that fails for a whole minute. spec/control/webhook.test.mjs does the same for some
 * seconds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCalling } from "../control/support/receiver.mjs";
import { decisionsOf, explain, report } from "../control/support/scaled.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const MINUTE = 60_000;
/** Longer than the longest pause between two calls plus the time-out of a call. */
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
    assert.equal(
      (await decisionsOf(api)).length,
      1,
      "there is one decision at a time, however long its call takes",
    );
    const { call } = (await explain(api)).autoscale;
    receiver.manner = "ok";
    if (!isThere) await receiver.listen();
    await waitFor("the receiver has accepted the call", () => receiver.heard().length > 0, LATEST);
    assert.deepEqual(receiver.heard(), [call]);
    assert.deepEqual(receiver.keys(), [call]);
    await waitFor(
      "the gateway has noted the answer",
      async () => (await explain(api)).autoscale.call === undefined,
    );
    // The cooldown begins at the answer. Only after it may another decision follow, with another key.
    assert.equal((await decisionsOf(api)).length, 1);
    await report(api, [0.9]);
    await waitFor("the receiver has accepted the next decision", () => receiver.heard().length === 2, LATEST);
    assert.equal(receiver.keys().length, 2);
    assert.equal(receiver.most, 1, "there are never two calls at a time");
  });
}
