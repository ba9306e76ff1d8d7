/** The webhook of `autoscale`: signed calls, one for each decision, repeated until they succeed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend } from "../gateway/support/backend.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { SECRET, startCalling, startReceiver } from "./support/receiver.mjs";
import {
  decisionsOf,
  explain,
  LOOK,
  report,
  statesOf,
  told,
  waitForDecisions,
  WATER,
} from "./support/scaled.mjs";

/** @typedef {import("./support/receiver.mjs").Manner} Manner */
/** @typedef {import("./support/receiver.mjs").Receiver} Receiver */

test("a call is signed JSON with the decision and its reason", async (context) => {
  const { api, receiver } = await startCalling(context);
  await report(api, [0.9]);
  const [out] = await waitForDecisions(api, 1);
  await waitFor("the receiver has accepted the call", () => receiver.heard().length === 1);
  assert.deepEqual(await statesOf(api), ["up", "down"], "the gateway leaves the change to the receiver");
  // In production a platform starts this server.
  const { address } = await startBackend(context);
  const node = { server: address, ttl: "60s", report: { utilization: 0.1 } };
  await api.expect(201, "PUT", nodeOf("started"), node);
  await report(api, [0.1]);
  const back = (await waitForDecisions(api, 2))[1];
  await waitFor("the receiver has accepted the call", () => receiver.heard().length === 2);
  const [first, second] = receiver.calls;
  for (const [call, decision, action] of [
    [first, out, "scale_out"],
    [second, back, "scale_in"],
  ]) {
    const { headers, body, key, url, isSigned } = call;
    assert.deepEqual([headers["content-type"], url, isSigned], ["application/json", "/scale?of=app", true]);
    const { id, upstream, reason, inputs, time } = body;
    assert.deepEqual([id, upstream, body.action, reason], [key, "app", action, decision.reason]);
    assert.deepEqual(inputs, decision.inputs);
    assert.ok(Math.abs(Date.parse(time) - Date.parse(decision.time)) < 5000);
  }
  assert.equal(first.body.server, undefined);
  assert.deepEqual(second.body.server, { id: 2, server: address, node: "started" });
  assert.deepEqual(told([out, back]), ["scale_out ?", "scale_in 2"]);
});

/**
 * The failures of the receivers before they succeed. The last receiver does not listen at first.
 * @type {Record<string, Manner[]>}
 */
const FAILURES = {
  answering_500: ["status 500", "status 500", "status 500", "status 500"],
  redirecting: ["status 302", "status 302"],
  resetting: ["reset", "reset"],
  closing: ["closed", "closed"],
  cutting_off: ["cut", "cut"],
  no_http: ["garbage", "garbage"],
  hanging: ["hang"],
  mixed: ["reset", "status 500", "garbage"],
  away: [],
};

test("a failing receiver is called until it answers, and receives each decision once", async (context) => {
  const { gateway, api } = await startCalling(context);
  /** @type {Map<string, Receiver>} */
  const receivers = new Map();
  for (const [name, failures] of Object.entries(FAILURES)) {
    const receiver = await startReceiver(context, { isThere: name !== "away" });
    receiver.next = [...failures];
    receivers.set(name, receiver);
    const webhook = { url: receiver.url, secret: SECRET };
    const { address } = await startBackend(context);
    await api.expect(201, "PUT", sluice(name), {
      servers: [{ server: address }],
      load: LOOK,
      autoscale: { ...WATER, webhook },
    });
  }
  for (const name of receivers.keys()) await report(api, [0.9], name);
  await sleep(2500);
  await receivers.get("away")?.listen();
  const seen = [...receivers].map(async ([name, receiver]) => {
    const failures = FAILURES[name].length;
    // There is no second decision while the first call is unanswered, even for longer than the cooldown.
    await waitFor(
      `${name}: the receiver has accepted the first call`,
      async () => {
        const count = (await decisionsOf(api, name)).length;
        if (receiver.heard().length > 0) return true;
        assert.ok(count <= 1, `${name}: ${count} decisions`);
        return false;
      },
      40_000,
    );
    await waitFor(
      `${name}: the receiver has accepted the second call`,
      () => receiver.heard().length > 1,
      20_000,
    );
    const { autoscale } = await api.expect(200, "GET", sluice(name));
    await api.expect(200, "PATCH", sluice(name), { autoscale: { ...autoscale, cooldown: "1h" } });
    await waitFor(`${name}: the gateway has noted all answers`, async () => {
      const isPending = (await explain(api, name)).autoscale.call !== undefined;
      return !isPending && receiver.heard().length === (await decisionsOf(api, name)).length;
    });
    const { calls } = receiver;
    assert.ok(
      calls.every(({ isSigned }) => isSigned),
      name,
    );
    assert.equal(receiver.most, 1, `${name}: never two at a time`);
    assert.deepEqual(receiver.heard(), receiver.keys(), `${name}: each once`);
    const [{ key, text }] = calls;
    for (const call of calls.slice(0, failures + 1)) assert.deepEqual([call.key, call.text], [key, text]);
    for (const [index, { at }] of calls.slice(1, failures + 1).entries()) {
      const pause = at - calls[index].at;
      assert.ok(pause > 2 ** index * 500 - 50, `${name}: ${pause} ms after failure ${index + 1}`);
    }
    assert.equal(calls[failures + 1].key === key, false);
  });
  await Promise.all(seen);
  const warnings = gateway.log.entries("warn").filter((line) => line.includes("could not call the webhook"));
  assert.equal(warnings.length, receivers.size, "there is one warning for each receiver");
});

test("the secret is never shown, and sending back the shown object keeps it", async (context) => {
  const { gateway, api, receiver } = await startCalling(context, {}, { cooldown: "1h" });
  receiver.next = ["status 500"];
  const shown = await api.expect(200, "GET", sluice());
  assert.deepEqual(shown.autoscale.webhook, { url: receiver.url, secret: "***" });
  const replaced = await api.expect(200, "PUT", sluice(), shown);
  assert.equal(replaced.autoscale.webhook.secret, "***");
  await api.expect(200, "PATCH", sluice(), { autoscale: { ...shown.autoscale, for: "100ms" } });
  await report(api, [0.9]);
  await waitFor("the receiver has accepted the call", () => receiver.heard().length === 1);
  assert.deepEqual(
    receiver.calls.map(({ isSigned }) => isSigned),
    [true, true],
  );
  const elsewhere = { ...shown.autoscale, webhook: { url: `${receiver.url}&else=1`, secret: "***" } };
  const answer = await api.patch(sluice(), { autoscale: elsewhere });
  assert.deepEqual([answer.status, answer.body.error.code], [400, "UpstreamConfFormatError"], answer.text);
  assert.match(answer.body.error.text, /autoscale\.webhook\.secret/);
  for (const path of ["upstreams", "upstreams/app", "upstreams/app/explain", "events"]) {
    const { status, text } = await api.get(`/api/sluice/1/${path}`);
    assert.deepEqual([status, text.includes(SECRET)], [200, false], path);
  }
  assert.equal(gateway.log.text().includes(SECRET), false);
});

test("with dry_run the webhook is not called", async (context) => {
  const { api, receiver } = await startCalling(context, {}, { dry_run: true });
  await report(api, [0.9]);
  const decisions = await waitForDecisions(api, 2);
  assert.ok(decisions.every(({ dry_run }) => dry_run === true));
  assert.deepEqual(receiver.calls, []);
});

test("a call goes to the current webhook, and is not made after the webhook was removed", async (context) => {
  const { gateway, api, receiver } = await startCalling(context, {}, { cooldown: "1h" });
  const other = await startReceiver(context);
  receiver.manner = "status 500";
  other.manner = "status 500";
  await report(api, [0.9]);
  await waitFor("the call has failed", () => receiver.calls.length > 0);
  const { autoscale } = await api.expect(200, "GET", sluice());
  const moved = { ...autoscale, webhook: { url: other.url, secret: SECRET } };
  await api.expect(200, "PATCH", sluice(), { autoscale: moved });
  await waitFor("the other is called", () => other.calls.length > 0);
  assert.deepEqual(other.keys(), receiver.keys());
  await api.expect(200, "PATCH", sluice(), { autoscale: null, load: null });
  await waitFor("the end of the calls is logged", () =>
    gateway.log.text().includes("the webhook is not called any more"),
  );
  other.manner = "ok";
  const { length } = other.calls;
  await api.expect(200, "PATCH", sluice(), { autoscale: moved });
  assert.equal((await explain(api)).autoscale.call, undefined);
  await sleep(1200);
  assert.equal(
    other.calls.length,
    length,
    "earlier decisions are not called after the removal of the webhook",
  );
});
