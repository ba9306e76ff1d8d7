/** The address guard for webhooks: a name is judged by the address to which a connection was made. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startForbidden } from "../gateway/support/forbidden.mjs";
import { PROBE_ERRORS } from "../gateway/support/health.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { startScriptedDns } from "../gateway/support/registries/scripted_dns.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { SECRET, startReceiver } from "./support/receiver.mjs";
import { report, startScaled } from "./support/scaled.mjs";

for (const scheme of ["http", "https"]) {
  test(`a webhook at ${scheme}:// whose name has an address that is not allowed receives nothing`, async (context) => {
    const names = await startScriptedDns(context, { "A hook.example": [["A", "hook.example", "127.9.0.1"]] });
    const port = await freePort();
    const forbidden = await startForbidden(context, "127.9.0.1", port);
    const webhook = { url: `${scheme}://hook.example:${port}/scale`, secret: SECRET };
    const { gateway, api } = await startScaled(
      context,
      { autoscale: { webhook } },
      {
        http: `lua_socket_log_errors off; resolver ${names.address} ipv6=off;`,
        setup: { guard: { deny: ["127.9.0.0/16"] } },
      },
    );
    gateway.log.allow(PROBE_ERRORS);
    await report(api, [0.9]);
    await waitFor("the call is refused", () => gateway.log.text().includes("could not call the webhook"));
    assert.match(
      gateway.log.text(),
      /could not call the webhook: could not connect: the address of hook\.example is not allowed: guard\.deny has 127\.9\.0\.0\/16/,
    );
    await waitFor("the call is repeated", () => forbidden.connections > 1);
    assert.equal(forbidden.bytes, 0);
    // With an allowed address the same call is made.
    if (scheme === "https") return;
    const receiver = await startReceiver(context);
    const { autoscale } = await api.expect(200, "GET", sluice());
    names.answers["A other.example"] = [["A", "other.example", "127.0.0.1"]];
    const url = `http://other.example:${receiver.port}/scale?of=app`;
    const moved = { ...autoscale, webhook: { url, secret: SECRET } };
    await api.expect(200, "PATCH", sluice(), { autoscale: moved });
    await waitFor("the receiver has accepted the call", () => receiver.heard().length === 1, 40_000);
  });
}
