/**
 * Each bad request gets its documented status and code and a text that names the problem. It changes nothing
 * and logs no error.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import "./support/bad_paths.mjs";
import { badRequests } from "./support/bad_requests.mjs";
import "./support/bad_servers.mjs";
import "./support/bad_settings.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";

test("a bad request is refused with the right status and code", async (context) => {
  assert.ok(badRequests.length >= 60, `there are ${badRequests.length}`);
  const servers = [
    { server: "127.0.0.1:9001" },
    { server: "127.0.0.2:9001", weight: 3 },
    { server: "127.0.0.3:9001", backup: true },
  ];
  const hashed = { method: "ip_hash", servers: [{ server: "127.0.0.1:9001" }] };
  const slow = { servers: [{ server: "127.0.0.1:9001", slow_start: "30s" }] };
  const gateway = await startGateway(context, {
    upstreams: { app: { servers }, other: {}, hashed, slow },
  });
  const { api } = gateway;
  const before = await api.configuration();
  for (const { method, path, body, status, code, says, shown } of badRequests) {
    await context.test(`${method} ${path.slice(0, 80)} ${shown} → ${status} ${code}`, async () => {
      const answer = await api.send(method, path, body);
      assertErrorBody(answer, status, code);
      const { text } = answer.body.error;
      if (typeof says === "string") assert.equal(text, says);
      else if (says !== undefined) assert.match(text, says);
      if (status === 405) assert.match(answer.headers.allow ?? "", /^[A-Z]+(, [A-Z]+)*$/);
      assert.equal(await api.configuration(), before, "nothing has changed");
      gateway.assertCleanLog();
    });
  }
});
