/**
 * Seeds, the upstreams in the options of `setup`: a deleted seed stays deleted, and a start reports
 * differences that it does not apply.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** @param {number[]} numbers */
const servers = (...numbers) => ({ servers: numbers.map((number) => ({ server: someAddress(number) })) });
const upstreams = { app: servers(1), web: servers(2) };

/** @param {import("./support/api.mjs").Api} api */
const namesOf = async (api) => Object.keys(await api.expect(200, "GET", "/api/sluice/1/upstreams"));

/** @param {import("./support/gateway.mjs").Gateway} gateway @param {RegExp} pattern */
const warningsOf = ({ log }, pattern) => log.entries("warn").filter((line) => pattern.test(line));

const deletedWarning =
  /upstreams of setup\(\) that were deleted are not created again: app; .* PUT them to \/api\/sluice\/1\/upstreams\/<name>/;

test("a deleted seed does not reappear after a reload, restart or crash until it is created again", async (context) => {
  const gateway = await startGateway(context, { upstreams });
  const { api } = gateway;
  await api.expect(204, "DELETE", sluice());
  await gateway.reload();
  assert.deepEqual(await namesOf(api), ["web"]);
  assert.equal(warningsOf(gateway, deletedWarning).length, 1);
  await gateway.stop();
  await gateway.start();
  assert.deepEqual(await namesOf(api), ["web"]);
  await gateway.killAll();
  await gateway.start();
  assert.deepEqual(await namesOf(api), ["web"]);

  gateway.configure({ upstreams: { ...upstreams, fresh: servers(3) } });
  await gateway.reload();
  assert.deepEqual(await namesOf(api), ["fresh", "web"], "a new seed is created");
  await api.expect(201, "PUT", sluice(), servers(1));
  await gateway.stop();
  await gateway.start();
  assert.deepEqual(await namesOf(api), ["app", "fresh", "web"]);
  await api.expect(204, "DELETE", sluice());
  await gateway.reload();
  assert.deepEqual(await namesOf(api), ["fresh", "web"], "the seed can be deleted again");
});

test("the deletion of a seed is remembered while setup does not name it, and without a state_dir", async (context) => {
  const gateway = await startGateway(context, { upstreams, stateDir: null });
  const { api } = gateway;
  await api.expect(204, "DELETE", sluice());
  gateway.configure({ upstreams: { web: servers(2) } });
  await gateway.reload();
  gateway.configure({ upstreams });
  await gateway.reload();
  assert.deepEqual(await namesOf(api), ["web"]);
});

test("the deletion of a seed is in the image that a compaction writes", async (context) => {
  const gateway = await startGateway(context, { workers: 1, upstreams });
  const { api } = gateway;
  const image = () =>
    ["image.0", "image.1"].map((name) => readFileSync(join(gateway.folder, "state", name), "utf8")).join("");
  await api.expect(204, "DELETE", sluice());
  const many = Array.from({ length: 4000 }, (_, number) => ({ server: someAddress(number), weight: 2 }));
  let turn = 0;
  await waitFor(
    "an image has the deletion",
    async () => {
      turn += 1;
      for (const server of many) server.weight = 2 + (turn % 2);
      // `api` is not used, because it would check each of the long answers.
      await ask(gateway.apiPort, sluice("many"), { method: "PUT", body: JSON.stringify({ servers: many }) });
      return image().includes('"upstream":"app","deleted":true,"seed":true');
    },
    30_000,
  );
  await gateway.killAll();
  await gateway.start();
  assert.deepEqual(await namesOf(api), ["many", "web"]);
});

test("a start lists the seeds that differ from the state, and explains how to apply them", async (context) => {
  const gateway = await startGateway(context, { upstreams });
  const { api } = gateway;
  const pattern = /the saved state is used for upstreams that differ from setup\(\): ([^;]*); .*PUT them to/;
  await gateway.reload();
  assert.deepEqual(warningsOf(gateway, pattern), [], "there is no difference");
  gateway.configure({ upstreams: { app: servers(1, 5), web: { ...servers(2), method: "least_conn" } } });
  await gateway.reload();
  const [first, ...more] = warningsOf(gateway, pattern);
  assert.equal(pattern.exec(first)?.[1], "app, web");
  assert.deepEqual(more, []);

  await api.expect(200, "PUT", sluice(), servers(1, 5));
  await api.expect(200, "PATCH", sluice("web"), { method: "least_conn" });
  await gateway.stop();
  await gateway.start();
  assert.equal(warningsOf(gateway, pattern).length, 1, "the applied seeds no longer differ");
  await api.expect(201, "POST", serversOf("web"), { server: someAddress(9) });
  await gateway.stop();
  await gateway.start();
  assert.equal(pattern.exec(warningsOf(gateway, pattern)[1])?.[1], "web");
});
