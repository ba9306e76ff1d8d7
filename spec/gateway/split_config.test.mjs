/** Splits that have no valid members are refused, and members cannot be deleted, whoever makes the change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANGES, postChanges, revisionOf, ROLLBACK } from "./support/changes.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { assertKept, serversOf, sluice, someAddress } from "./support/upstreams.mjs";

const servers = [{ server: someAddress(1) }];

/** @param {...string} names */
const splitOf = (...names) => ({ split: { members: names.map((upstream) => ({ upstream })) } });

const upstreams = { v1: { servers }, v2: { servers }, app: splitOf("v1", "v2"), outer: splitOf("app") };

/**
 * Makes a change in each way, which must be refused and change nothing.
 * @param {import("./support/api.mjs").Api} api
 * @param {string} name
 * @param {object} config
 * @param {string} text what the refusal says
 */
async function assertRefused(api, name, config, text) {
  const before = await api.configuration();
  const ways = [
    ["PUT", sluice(name), config],
    ["PATCH", sluice(name), config],
    ["POST", CHANGES, { upstreams: { [name]: config } }],
    ["POST", CHANGES, { upstreams: { [name]: { patch: config } } }],
    ["POST", `${CHANGES}?dry_run=true`, { upstreams: { [name]: config } }],
  ];
  for (const [method, path, body] of ways) {
    const { error } = await api.expect(400, method, path, body);
    assert.ok(error.text.includes(text), `${method} ${path}: ${error.text}`);
  }
  assert.equal(await api.configuration(), before);
}

test("members that do not exist and splits that lead back to themselves are refused in every way", async (context) => {
  const { api } = await startGateway(context, { upstreams });
  await assertRefused(
    api,
    "app",
    splitOf("v1", "v3"),
    '"split.members[1].upstream": there is no upstream "v3"',
  );
  await assertRefused(api, "app", splitOf("app"), '"split.members[0].upstream": "app" leads back to "app"');
  await assertRefused(
    api,
    "app",
    splitOf("v1", "outer"),
    '"split.members[1].upstream": "outer" leads back to "app"',
  );
  await api.expect(400, "PUT", sluice("new"), splitOf("v3"));
  await api.expect(400, "PUT", sluice("new"), splitOf("new"));

  // A change of several upstreams is judged by what it leaves.
  const { error } = await api.expect(400, "POST", CHANGES, {
    upstreams: {
      v1: { patch: { ...splitOf("v2"), servers: [] } },
      v2: { patch: { ...splitOf("v1"), servers: [] } },
    },
  });
  assert.match(error.text, /leads back to/);
  await postChanges(api, { upstreams: { app: splitOf("fresh"), fresh: { servers } } });
  const removal = { upstreams: { app: splitOf("v1", "fresh"), fresh: null } };
  assert.equal((await api.expect(409, "POST", CHANGES, removal)).error.code, "UpstreamInSplit");
  await postChanges(api, { upstreams: { app: splitOf("v1"), fresh: null } });
});

test("at most eight levels of splits are accepted", async (context) => {
  const { api } = await startGateway(context, { upstreams: { s0: { servers } } });
  for (let level = 1; level <= 8; level += 1)
    await api.expect(201, "PUT", sluice(`s${level}`), splitOf(`s${level - 1}`));
  const { error } = await api.expect(400, "PUT", sluice("s9"), splitOf("s8"));
  assert.match(error.text, /"split.members\[0\].upstream": must not have more than 7 levels of splits/);
});

test("a split gets no servers over either API and by registration", async (context) => {
  const { api } = await startGateway(context, { upstreams });
  const before = await api.configuration();
  const refusals = [
    await api.expect(400, "POST", serversOf(), servers[0]),
    await api.expect(400, "PUT", sluice(), { ...splitOf("v1"), servers }),
    await api.expect(400, "PATCH", sluice(), { servers }),
    await api.expect(400, "PUT", nodeOf("one"), { server: someAddress(2), ttl: "5s" }),
    await api.expect(400, "PATCH", sluice("v1"), splitOf("v2")),
    await api.expect(400, "PATCH", sluice(), { discovery: { file: { path: "/servers.json" } } }),
    await api.expect(400, "PATCH", sluice(), { method: "least_conn" }),
  ];
  for (const { error } of refusals) assert.match(error.text, /"split"/);
  assert.equal(await api.configuration(), before);
  await api.expect(200, "PATCH", sluice("v1"), { ...splitOf("v2"), servers: [] });
  await api.expect(200, "PATCH", sluice("v1"), { split: null, servers });
});

test("a member is not deleted unless the same change takes it out of its splits", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: { ...upstreams, other: { servers, owner: "team-a" } },
  });
  const { api } = gateway;
  const inSplit = async (name, split) => {
    const { error } = await api.expect(409, "DELETE", sluice(name));
    assert.equal(error.code, "UpstreamInSplit");
    assert.match(error.text, new RegExp(`"${name}" is a member of the split "${split}"`));
  };
  await inSplit("v1", "app");
  await inSplit("app", "outer");
  const { error } = await api.expect(409, "POST", CHANGES, { upstreams: { v1: null, v2: null } });
  assert.equal(error.code, "ChangesRefused");
  await api.expect(200, "PUT", sluice(), splitOf("v1", "other"));
  const pruning = { upstreams: {}, prune: true, owner: "team-a" };
  assert.equal((await api.expect(409, "POST", CHANGES, pruning)).error.code, "UpstreamInSplit");
  await gateway.killAll();
  await gateway.start();
  await inSplit("other", "app");
  await api.expect(204, "DELETE", sluice("v2"));
  await postChanges(api, { upstreams: { outer: null, app: null, v1: null } });
  // A split that has become servers again has no members.
  await api.expect(201, "PUT", sluice(), splitOf("other"));
  await api.expect(200, "PUT", sluice(), { servers });
  await api.expect(204, "DELETE", sluice("other"));
  await assertKept(gateway);
});

test("a rollback restores a split with its members, and not without them", async (context) => {
  const { api } = await startGateway(context, { upstreams: { v1: { servers } } });
  const empty = await revisionOf(api);
  await api.expect(201, "PUT", sluice("v2"), { servers });
  await api.expect(201, "PUT", sluice(), splitOf("v1", "v2"));
  const whole = await revisionOf(api);
  const before = await api.expect(200, "GET", sluice());
  await postChanges(api, { upstreams: { app: splitOf("v1"), v2: null } });
  await api.expect(400, "POST", ROLLBACK, { to: whole, upstreams: ["app"] });
  await api.expect(200, "POST", ROLLBACK, { to: whole });
  assert.deepEqual(await api.expect(200, "GET", sluice()), before);
  await api.expect(409, "POST", ROLLBACK, { to: empty, upstreams: ["v2"] });
  await api.expect(200, "POST", ROLLBACK, { to: empty });
});

test("seeds may be splits in any order, and nginx does not start with ones that have no valid members", async (context) => {
  for (const [app, reason] of [
    [
      splitOf("none"),
      /could not create upstream app: invalid "split.members\[0\].upstream": there is no upstream "none"/,
    ],
    [
      splitOf("zoo"),
      /could not create upstream \w+: invalid "split.members\[0\].upstream": "\w+" leads back to/,
    ],
    [{ ...splitOf("v1"), servers }, /"split" cannot have servers/],
  ]) {
    const zoo = splitOf("app");
    const gateway = await makeGateway(context, { upstreams: { v1: { servers }, app, zoo }, stateDir: null });
    await assertRefusesToStart(gateway, /** @type {RegExp} */ (reason));
  }
  const seeds = { a: splitOf("b"), b: splitOf("c", "d"), c: { servers }, d: splitOf("c") };
  const gateway = await startGateway(context, { upstreams: seeds });
  await assertKept(gateway);
});

test("a change that is not made makes no split and no member unknown", async (context) => {
  const { api } = await startGateway(context, { upstreams });
  const swap = { outer: null, app: { patch: { split: null, servers } }, other: splitOf("v2") };
  await api.expect(200, "POST", `${CHANGES}?dry_run=true`, { upstreams: swap });
  await api.expect(400, "POST", CHANGES, { upstreams: { ...swap, third: splitOf("none") } });
  for (const name of ["v1", "app"])
    assert.equal((await api.expect(409, "DELETE", sluice(name))).error.code, "UpstreamInSplit");
});

test("a split may not appear below eight levels of splits", async (context) => {
  const { api } = await startGateway(context, { upstreams: { v1: { servers }, s0: { servers } } });
  for (let level = 1; level <= 8; level += 1)
    await api.expect(201, "PUT", sluice(`s${level}`), splitOf(`s${level - 1}`));
  const { error } = await api.expect(400, "PUT", sluice("s0"), splitOf("v1"));
  assert.match(error.text, /"split": must not make more than 8 levels of splits/);
  await api.expect(204, "DELETE", sluice("s8"));
  await api.expect(200, "PUT", sluice("s0"), splitOf("v1"));
});

test("many splits are noted, and their members stay known", async (context) => {
  const { api } = await startGateway(context, { upstreams: { v1: { servers }, v2: { servers } } });
  /** @type {Record<string, object>} */
  const many = {};
  for (let index = 0; index < 500; index += 1) many[`split-${index}`] = splitOf("v1", `plain-${index}`);
  for (let index = 0; index < 500; index += 1) many[`plain-${index}`] = { servers };
  await postChanges(api, { upstreams: many });
  // Outdated lines are dropped when the note has doubled.
  for (let round = 0; round < 40; round += 1)
    await api.expect(
      200,
      "PUT",
      sluice("split-0"),
      splitOf(...(round % 2 === 0 ? ["v2"] : ["v2", "plain-1"])),
    );
  await api.expect(204, "DELETE", sluice("plain-0"));
  for (const name of ["v1", "v2", "plain-1", "plain-499"])
    assert.equal((await api.expect(409, "DELETE", sluice(name))).error.code, "UpstreamInSplit");
  const removals = Object.fromEntries(Object.keys(many).map((name) => [name, null]));
  await postChanges(api, { upstreams: { ...removals, "plain-0": { servers } } });
  await api.expect(204, "DELETE", sluice("v1"));
});
