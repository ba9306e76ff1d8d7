/** Writers that change the same upstreams at the same time, each under conditions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANGES } from "./support/changes.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { sluice, someAddress } from "./support/upstreams.mjs";

useWorkers(4);

const NAMES = Array.from({ length: 10 }, (_, number) => `u${number}`);
const ROUNDS = 40;
/** The weight of the only server counts the changes of an upstream. @param {number} weight */
const counted = (weight) => [{ server: someAddress(1), weight }];

/** @param {import("node:test").TestContext} context */
function start(context) {
  const upstreams = Object.fromEntries(NAMES.map((name) => [name, { servers: counted(1) }]));
  return startGateway(context, { upstreams });
}

/**
 * Adds one to the counters of some upstreams, in one change, until no other writer was faster.
 * @param {import("./support/api.mjs").Api} api
 * @param {string[]} names
 * @param {boolean} isForAll the condition is one for all upstreams, and not one for each
 */
async function count(api, names, isForAll) {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const all = await api.get("/api/sluice/1/upstreams");
    /** @type {Record<string, object>} */
    const upstreams = {};
    for (const name of names) {
      const { headers, body } = isForAll
        ? { headers: {}, body: all.body[name] }
        : await api.get(sluice(name));
      const patch = { servers: counted(body.servers[0].weight + 1) };
      upstreams[name] = isForAll ? { patch } : { patch, if_match: headers.etag };
    }
    const condition = isForAll ? { "If-Match": all.headers.etag } : {};
    const answer = await api.send("POST", CHANGES, { upstreams }, condition);
    if (answer.status === 200) return attempt;
    assert.equal(answer.status, 412, answer.text);
  }
  return assert.fail("a writer never succeeds");
}

for (const isForAll of [false, true]) {
  const kind = isForAll ? "one condition for all" : "a condition for each";
  test(`two writers of 10 overlapping upstreams lose no update: ${kind}`, async (context) => {
    const { api } = await start(context);
    const expected = new Map(NAMES.map((name) => [name, 1]));
    let losses = 0;
    const writer = async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const names = NAMES.filter(() => Math.random() < 0.6);
        losses += await count(api, names, isForAll);
        for (const name of names) expected.set(name, (expected.get(name) ?? 0) + 1);
      }
    };
    await Promise.all([writer(), writer()]);
    const found = (await api.get("/api/sluice/1/upstreams")).body;
    for (const [name, weight] of expected) assert.equal(found[name].servers[0].weight, weight, name);
    assert.ok(losses > 0, "the writers were in each other's way");
  });
}
