/** Request bodies in the forms that clients send, and the types of the answers. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

test("numbers as text and times without a unit are accepted, and answers have the right types", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const form = { server: "127.0.0.1:9", weight: "5", max_conns: "0", max_fails: "1" };
  const times = { fail_timeout: "10", slow_start: "0" };
  const { body, status, text } = await gateway.api.post(serversOf(), { ...form, ...times });
  assert.equal(status, 201, text);
  const { weight, max_conns, max_fails, fail_timeout, slow_start } = body;
  assert.deepEqual(
    { weight, max_conns, max_fails, fail_timeout, slow_start },
    { weight: 5, max_conns: 0, max_fails: 1, fail_timeout: "10s", slow_start: "0s" },
  );
  const patched = await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: "6", max_fails: 1 });
  assert.equal(patched.weight, 6);
});

test("a chunked body and one that nginx buffers in a file are accepted", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const target = { host: "127.0.0.1", port: gateway.apiPort, method: "POST", path: serversOf() };
  const status = await new Promise((resolve, reject) => {
    const sent = request({ ...target, agent: false }, (response) => resolve(response.resume().statusCode));
    sent.on("error", reject).write('{"server":');
    sent.end('"127.0.0.1:9"}');
  });
  assert.equal(status, 201);
  const servers = Array.from({ length: 3000 }, (_, number) => ({ server: someAddress(number), weight: 2 }));
  const { body, text } = await gateway.api.put(sluice("many"), { servers });
  assert.equal(body?.servers?.length, 3000, text.slice(0, 300));
  assert.deepEqual((await gateway.api.get(serversOf("many"))).body, body.servers);
});
