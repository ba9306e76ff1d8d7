/** An answer of Consul that is too large is refused with the reason, and no server is lost. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";

const LIMIT = 16 * 1024 * 1024;

/** Returns a service at an address. @param {string} address @param {string} [note] in its metadata */
function entryAt(address, note = "") {
  const [host, port] = address.split(":");
  const service = { ID: address, Service: "app", Address: host, Port: Number(port), Meta: { note } };
  return { Node: { Address: host, Datacenter: "dc1" }, Service: service, Checks: [] };
}

for (const isChunked of [false, true]) {
  const how = isChunked ? "in chunks" : "with its length";
  test(`a service of more than 16 MB ${how} is refused, nothing is lost, and a shorter one is followed`, async (context) => {
    let answer = JSON.stringify([entryAt(someAddress(1)), entryAt(someAddress(2))]);
    let index = 1;
    const registry = createServer((request, response) => {
      request.resume();
      const headers = isChunked ? {} : { "Content-Length": Buffer.byteLength(answer) };
      response.writeHead(200, { "X-Consul-Index": String(index), ...headers }).end(answer);
    });
    atEnd(context, () => registry.close().closeAllConnections());
    registry.listen(0, "127.0.0.1");
    await once(registry, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (registry.address());
    const consul = { address: `http://127.0.0.1:${port}`, service: "app" };
    const upstreams = { app: { discovery: { consul } } };
    const gateway = await startGateway(context, { upstreams });
    const both = [someAddress(1), someAddress(2)];
    await waitForServers(gateway, both);

    const third = entryAt(someAddress(3), "x".repeat(LIMIT));
    answer = JSON.stringify([third]);
    index += 1;
    gateway.log.allow(/./);
    const { error } = await waitForState(gateway, "failing");
    assert.match(error, /16777216 bytes/);
    await waitForServers(gateway, both, 0);

    answer = JSON.stringify([entryAt(someAddress(1)), entryAt(someAddress(3))]);
    index += 1;
    await waitForServers(gateway, [someAddress(1), someAddress(3)]);
    await waitForState(gateway, "ok");
  });
}
