/**
 * Discovery by etcd: a watch that ends or fails immediately is reported and retried at increasing intervals.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";

const prefix = "/app/";
const seconds = 3;
/** Upper bound on the number of lists. A constant pause of 50 ms would make 60. */
const most = 16;

const base64 = (/** @type {string} */ text) => Buffer.from(text).toString("base64");
const line = (/** @type {object} */ result) => `${JSON.stringify({ result })}\n`;
const created = line({ created: true });

/** The answers to a watch. */
const watches = {
  "fails at once": {
    text: created + line({ canceled: true, cancel_reason: "no leader" }),
    error: /no leader/,
  },
  "ends with its Content-Length, on a connection that stays open": {
    text: created,
    length: created.length,
    error: /the stream has ended/,
  },
};

/**
 * Starts a stand-in for etcd with one key. The test defines the answers to watches.
 * @param {import("node:test").TestContext} context
 */
async function startEtcdOf(context) {
  /** @type {{ lists: number, watch: { text: string, length?: number } | undefined }} */
  const state = { lists: 0, watch: undefined };
  const kvs = [{ key: base64(`${prefix}${someAddress(1)}`), mod_revision: "5" }];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request.setEncoding("utf8")) text += piece;
    if (request.url === "/v3/watch") {
      const { text: answer = created, length } = state.watch ?? {};
      response.writeHead(200, length === undefined ? {} : { "Content-Length": length });
      response.write(answer);
      if (state.watch !== undefined) response.end();
    } else {
      const isList = !text.includes("count_only");
      if (isList) state.lists += 1;
      response.end(JSON.stringify({ header: { revision: "5" }, ...(isList ? { kvs } : {}) }));
    }
  });
  atEnd(context, () => server.close().closeAllConnections());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const discovery = () => ({ etcd: { endpoints: [`http://127.0.0.1:${port}`], prefix } });
  return { state, server, registry: { discovery } };
}

for (const [what, { error, ...watch }] of Object.entries(watches)) {
  test(`a watch that ${what} is reported as a failure, and is repeated only after a pause`, async (context) => {
    const { state, server, registry } = await startEtcdOf(context);
    const { gateway } = await startDiscovery(context, /** @type {any} */ (registry), { traffic: false });
    await waitForServers(gateway, [someAddress(1)]);
    await waitForState(gateway, "ok");
    state.watch = watch;
    server.closeAllConnections();
    await waitForState(gateway, "failing");
    const before = state.lists;
    await sleep(seconds * 1000);
    const count = state.lists - before;
    assert.ok(count > 0 && count <= most, `${count} lists in ${seconds} s`);
    assert.match((await waitForState(gateway, "failing")).error, error);
    await waitForServers(gateway, [someAddress(1)], 0);
    state.watch = undefined;
    await waitForState(gateway, "ok");
  });
}
