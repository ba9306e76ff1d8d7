/** Unanswered calls of the webhook of `autoscale` when a worker, or all of nginx, ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../gateway/support/wait.mjs";
import { ends } from "./support/lives.mjs";
import { startCalling } from "./support/receiver.mjs";
import { decisionsOf, explain, report, told } from "./support/scaled.mjs";

/** The time-out of a call in milliseconds, less a margin for a busy machine. */
const PATIENCE = 4500;

for (const manner of /** @type {const} */ (["status 500", "hang"])) {
  test(`a call answered "${manner}" is repeated with the same key after each restart until it succeeds, and never again`, async (context) => {
    const { gateway, api, receiver } = await startCalling(context, {}, { cooldown: "1h" });
    receiver.manner = manner;
    await report(api, [0.9]);
    await waitFor("the receiver is called", () => receiver.calls.length > 0);
    const key = receiver.keys()[0];
    for (const [name, end] of Object.entries(ends)) {
      const { length } = receiver.calls;
      await end(gateway);
      await waitFor(`the receiver is called after ${name}`, () => receiver.calls.length > length);
      assert.equal((await explain(api)).autoscale.call, key, name);
    }
    receiver.manner = "ok";
    await waitFor("the receiver has accepted the call", () => receiver.heard().length > 0);
    await waitFor(
      "the gateway has noted the answer",
      async () => (await explain(api)).autoscale.call === undefined,
    );
    for (const end of Object.values(ends)) {
      await end(gateway);
      await report(api, [0.9]);
      await sleep(300);
    }
    assert.deepEqual(receiver.heard(), [key], "the call succeeds once");
    assert.deepEqual(receiver.keys(), [key], "there is no other decision");
    assert.ok(receiver.calls.every(({ isSigned }) => isSigned));
    assert.equal(new Set(receiver.calls.map(({ text }) => text)).size, 1);
    assert.deepEqual(told(await decisionsOf(api)).slice(1), []);
  });
}

for (const name of ["a reload", "a restart"]) {
  test(`a call that hangs does not delay ${name}`, async (context) => {
    const { gateway, api, receiver } = await startCalling(context, {}, { cooldown: "1h" });
    receiver.manner = "hang";
    const before = gateway.workers();
    await report(api, [0.9]);
    await waitFor("the receiver is called", () => receiver.calls.length > 0);
    const [{ at }] = receiver.calls;
    await ends[name](gateway);
    await waitFor("who has called has ended", () => !gateway.workers().includes(Math.min(...before)));
    assert.ok(performance.now() - at < PATIENCE, `${performance.now() - at} ms after the call`);
  });
}
