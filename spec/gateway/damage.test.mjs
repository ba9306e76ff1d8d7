/** A damaged state on disk is loaded as it was saved or is refused. A state of version 0.1.0 is loaded. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { root } from "../../scripts/command.mjs";
import { damage, randomFrom } from "./support/damages.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { takeSnapshots } from "./support/snapshots.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { startLoader, stateFiles } from "./support/state_loader.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

/** `npm run soak` makes 20,000 damages. */
const DAMAGES = 150;

test(`after each of ${DAMAGES} random damages the state is intact, lacks only a torn last line, or is refused`, async (context) => {
  const load = startLoader(context);
  const random = randomFrom(14);
  const snapshots = Object.entries(await takeSnapshots(context));
  for (const [, snapshot] of snapshots) await snapshot.learn(load);
  const refusals = new Set();
  for (let turn = 0; turn < DAMAGES; turn += 1) {
    const [name, snapshot] = snapshots[turn % snapshots.length];
    const { files, what } = damage(snapshot.files, random);
    const outcome = await load(files);
    snapshot.check(files, outcome, `damage ${turn}, ${name}: ${what}`);
    if (outcome.refused !== undefined) refusals.add(outcome.refused);
  }
  assert.ok(refusals.size > 30, `only ${refusals.size} different refusals`);
});

/**
 * Makes a stopped gateway with a saved state of two upstreams.
 * @param {import("node:test").TestContext} context
 */
async function makeStoppedGateway(context) {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });
  await gateway.api.expect(201, "PUT", sluice("shop"), { servers: [{ server: "127.0.0.3" }] });
  await gateway.stop();
  return gateway;
}

/** @param {string} line an object as JSON, with or without a checksum */
function seal(line) {
  const body = line.replace(/,"crc":"[0-9a-f]+"}$/, "}").slice(0, -1);
  return `${body},"crc":"${crc32(body).toString(16).padStart(8, "0")}"}`;
}

/**
 * Changes of the lines of the journal, with a pattern of the message.
 * @type {[what: string, change: (lines: string[]) => void, reason: RegExp][]}
 */
const damagedJournals = [
  ["a flipped bit", (lines) => (lines[2] = lines[2].replace("127.0.0.2", "127.0.0.3")), /line 3: .*damaged/],
  ["no first line", (lines) => lines.shift(), /line 1: /],
  ["a line left out", (lines) => lines.splice(2, 1), /line 3: revision 3 does not follow revision 1/],
  ["another end of the last line", (lines) => lines.splice(-2, 2, `${lines.at(-2)}\v`), /line 4: .*end/],
  [
    "an invalid weight with a correct checksum",
    (lines) => (lines[2] = seal(lines[2].replace('"server":', '"weight":"x","server":'))),
    /line 3: put\[0]: invalid "weight":/,
  ],
  [
    "an invalid id with a correct checksum",
    (lines) => (lines[2] = seal(lines[2].replace('"id":1', '"id":-1'))),
    /line 3: put\[0]: invalid "id":/,
  ],
];

test("a damaged journal stops the start with the file and the line", async (context) => {
  const gateway = await makeStoppedGateway(context);
  const folder = join(gateway.folder, "state");
  const name = stateFiles.find((file) => readFileSync(join(folder, file), "utf8").includes("127.0.0.2:9"));
  const journal = join(folder, name);
  const whole = readFileSync(journal, "utf8");
  for (const [what, change, reason] of damagedJournals) {
    const lines = whole.split("\n");
    change(lines);
    const damaged = lines.join("\n");
    assert.notEqual(damaged, whole, what);
    writeFileSync(journal, damaged);
    await assertRefusesToStart(gateway, reason);
    assert.equal(readFileSync(journal, "utf8"), damaged, "the file is unchanged");
  }
  writeFileSync(journal, whole);
  await gateway.start();
  assert.equal((await gateway.api.get(serversOf())).body.length, 2);
});

test("a damaged image stops the start when a journal follows it", async (context) => {
  const snapshots = await takeSnapshots(context);
  const { files } = snapshots["with two images"];
  const gateway = await makeGateway(context, {});
  const folder = join(gateway.folder, "state");
  await gateway.start();
  await gateway.stop();
  /** @param {Record<string, Buffer>} changed */
  const put = (changed) => {
    for (const [name, text] of Object.entries({ ...files, ...changed }))
      writeFileSync(join(folder, name), text);
  };
  const newest = files["image.0"].length > files["image.1"].length ? "image.0" : "image.1";
  const lines = files[newest].toString().split("\n");
  put({ [newest]: Buffer.from(lines.filter((line) => !line.includes('"app-200"')).join("\n")) });
  await assertRefusesToStart(gateway, new RegExp(`state/${newest}: line \\d+: lines are missing`));
  put({ [newest]: Buffer.from(lines.join("\n").replace("app-200", "app-201")) });
  await assertRefusesToStart(gateway, new RegExp(`state/${newest}: line \\d+: .*damaged`));
  put({ [newest]: Buffer.alloc(0) });
  await assertRefusesToStart(gateway, /state\/journal\.[01]: line 1: the journal follows revision \d+/);
  put({ "journal.0": Buffer.alloc(0), "journal.1": Buffer.alloc(0) });
  await assertRefusesToStart(gateway, /state\/journal\.0: line 1: neither journal has a first line/);
  put({});
  await gateway.start();
  assert.deepEqual(Object.keys((await gateway.api.get("/api/sluice/1/upstreams")).body).toSorted(), [
    "app-100",
    "app-200",
    "app-300",
    "more-100",
    "more-200",
    "more-300",
  ]);
});

test("the state of version 0.1.0 is loaded and rewritten in the format of this version", async (context) => {
  const gateway = await makeGateway(context, { upstreams: {} });
  const folder = join(gateway.folder, "state");
  cpSync(join(root, "spec/gateway/fixtures/state_0.1.0"), folder, { recursive: true });
  await gateway.start();
  const { body } = await gateway.api.get("/api/sluice/1/upstreams");
  const servers = Object.entries(body).flatMap(([name, upstream]) =>
    upstream.servers.map(({ id, server, weight }) => `${name} ${id} ${server} ${weight}`),
  );
  assert.deepEqual(servers.toSorted(), [
    "app 1 127.0.0.2:9 3",
    "app 2 [::1]:9 1",
    "app 3 unix:/tmp/there.sock 1",
    "app 4 127.0.0.5:9 2",
    "nodes 0 127.0.0.6:9 1",
    "shop 0 127.0.0.3:9 1",
  ]);
  assert.deepEqual(body.shop.hash, { key: "$arg_k", consistent: true });
  assert.equal(body.shop.queue.size, 10);
  const before = await gateway.api.configuration();
  const texts = stateFiles.map((name) => readFileSync(join(folder, name), "utf8"));
  const lines = texts
    .filter((text) => !text.startsWith('{"image":'))
    .flatMap((text) => text.trimEnd().split("\n"));
  for (const line of lines.filter((line) => line !== "")) assert.equal(line, seal(line));
  assert.equal(
    texts.filter((text) => text.startsWith('{"sluice":"image","format":2,"revision":35,')).length,
    1,
  );
  assert.equal(
    texts.filter((text) => text.startsWith('{"sluice":"journal","format":2,"follows":35,')).length,
    1,
  );

  const { id } = await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.9:9" });
  assert.equal(id, 5, "ids continue after the last one");
  await gateway.api.expect(200, "DELETE", `${serversOf()}/5`);
  await gateway.killAll();
  await gateway.start();
  assert.equal(await gateway.api.configuration(), before);
});
