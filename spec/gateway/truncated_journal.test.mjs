/**
 * Another program truncates the journals while nginx runs. An image replaces them; until it is complete,
 * changes are refused, because no later start could load them.
 */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeGateway } from "./support/gateway.mjs";
import { serversOf, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const journals = ["journal.0", "journal.1"];

/**
 * Lua that makes the writer of an image wait at the beginning while a file exists. It writes its pid to the
 * file.
 * @param {string} order the file
 */
const holdingLua = (order) => `
  do
    local writer = require("resty.sluice.store.disk.writer")
    local write_image = writer.write_image
    writer.write_image = function(...)
      local file = ngx.get_phase() == "timer" and io.open("${order}", "r+")
      if file then
        file:write(ngx.worker.pid(), "\\n")
        file:close()
      end
      while file do
        ngx.sleep(0.01)
        file = io.open("${order}")
        if file then file:close() end
      end
      return write_image(...)
    end
  end
`;

/**
 * Starts a gateway with some servers. `hold` makes the next writer of an image wait until `letGo` is called.
 * @param {import("node:test").TestContext} context
 */
async function startWithServers(context) {
  const gateway = await makeGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  const order = join(gateway.folder, "hold");
  gateway.configure({ beforeSetup: holdingLua(order) });
  await gateway.start();
  for (let number = 0; number < 5; number += 1)
    await api.expect(201, "POST", serversOf(), { server: someAddress(number) });
  return {
    gateway,
    api,
    hold() {
      writeFileSync(order, "");
      // Workers run as the user nobody.
      chmodSync(order, 0o666);
    },
    letGo: () => rmSync(order),
    /** Returns the pid of the worker that waits. */
    holder: () => waitFor("the image is begun", () => Number(readFileSync(order, "utf8"))),
  };
}

/** @param {import("./support/gateway.mjs").Gateway} gateway */
function truncateJournals({ folder }) {
  for (const name of journals) truncateSync(join(folder, "state", name), 0);
}

/** @param {import("./support/gateway.mjs").Gateway} gateway */
async function assertRefused({ api }) {
  const { status, body } = await api.post(serversOf(), { server: "127.0.0.8:9" });
  assert.deepEqual([status, body.error?.code], [500, "StateNotSaved"]);
  assert.equal(body.error.text, "the journal was cut while nginx runs");
}

/**
 * Makes a change as soon as changes are saved again, kills nginx at once, and asserts that nothing is lost.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
async function assertNextIsKept(gateway) {
  const { api } = gateway;
  await waitFor("writes go on", async () => {
    const answer = await api.post(serversOf(), { server: "127.0.0.9:9" });
    assert.ok(answer.status === 201 || answer.body.error.code === "StateNotSaved", answer.text);
    return answer.status === 201;
  });
  const after = await api.configuration();
  await gateway.killAll();
  await gateway.start();
  assert.equal(await api.configuration(), after);
}

test("a journal that another program truncates is replaced by an image, and no acknowledged write is lost", async (context) => {
  const { gateway } = await startWithServers(context);
  truncateJournals(gateway);
  await assertNextIsKept(gateway);
});

test("changes are refused until the image that replaces a truncated journal is complete", async (context) => {
  const { gateway, api, hold, holder, letGo } = await startWithServers(context);
  hold();
  truncateJournals(gateway);
  await holder();
  const before = await api.configuration();
  await assertRefused(gateway);
  assert.equal(await api.configuration(), before, "a refused change changes nothing");
  const metrics = (await api.get("/api/metrics")).text;
  assert.match(metrics, /^sluice_store_saved 0$/m);
  letGo();
  await assertNextIsKept(gateway);
});

test("another worker writes the image if the first one is killed while it replaces a truncated journal", async (context) => {
  const { gateway, hold, holder, letGo } = await startWithServers(context);
  hold();
  truncateJournals(gateway);
  await gateway.killWorker(await holder());
  letGo();
  await assertNextIsKept(gateway);
});
