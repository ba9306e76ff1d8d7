/**
 * A bad configuration stops the start with one clear message, and leaves the old workers running on a reload.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend } from "./support/backend.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { signal } from "./support/processes.mjs";
import { assertOneClearLine, assertRefusesToStart } from "./support/start_error.mjs";
import { serversOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/**
 * Options of setup, and a pattern of the message. spec/unit/config/options.spec.ts has further ones.
 * @type {[what: string, setup: object, reason: RegExp][]}
 */
const badSetups = [
  ["an unknown option", { statedir: "/tmp" }, /unknown parameter "statedir"/],
  ["a dict that is not declared", { shared_dict: "other" }, /lua_shared_dict other/],
  ["an empty token", { api: { write_tokens: [""] } }, /"api\.write_tokens\[0]"/],
  [
    "a bad address",
    { upstreams: { app: { servers: [{ server: "127.0.0.1:9" }, { server: "127.0.0.1:x" }] } } },
    /upstreams\.app.*servers\[1\].*"server".*127\.0\.0\.1:x/,
  ],
  [
    "an invalid regular expression",
    { upstreams: { app: { health_check: { match: { body: "(\n" } } } } },
    /upstreams\.app.*"health_check\.match\.body": must be a regular expression/,
  ],
];

for (const [what, setup, reason] of badSetups) {
  test(`${what} stops the start with one clear message`, async (context) => {
    const gateway = await makeGateway(context, { setup });
    await assertRefusesToStart(gateway, reason);
  });
}

test("setup without a table of options stops the start", async (context) => {
  const gateway = await makeGateway(context, { initLua: 'require("resty.sluice").setup()' });
  await assertRefusesToStart(gateway, /setup.*table/);
});

test("the message names the place of the mistake in nginx.conf", async (context) => {
  const gateway = await makeGateway(context, { setup: { statedir: "/tmp" } });
  await assertRefusesToStart(gateway, /init_by_lua.*:\d+: .*unknown parameter "statedir"/);
});

test("a reload with a bad configuration leaves the old workers running", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const workers = gateway.workers();
  const reason = /unknown parameter "oops"/;
  gateway.log.allow(reason);
  gateway.configure({ setup: { oops: true } });
  signal(gateway.master, "SIGHUP");
  await waitFor("the reload is refused", () => gateway.log.severeEntries().length > 0);
  await sleep(200);
  assertOneClearLine(gateway.log.text().split("\n"), reason);
  assert.deepEqual(gateway.workers(), workers);

  assert.equal((await ask(gateway.port)).text, backend.id);
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9", down: true });

  gateway.configure({ setup: {} });
  await gateway.reload();
  assert.equal((await ask(gateway.port)).text, backend.id, "a correct configuration is accepted after that");
  assert.equal((await gateway.api.get(serversOf())).body.length, 2);
});

test("a second nginx on the same state_dir is refused, and the first one keeps running", async (context) => {
  const backend = await startBackend(context);
  const first = await startGateway(context, { servers: [backend.address] });
  const stateDir = `${first.folder}/state`;
  const second = await makeGateway(context, { stateDir, servers: [backend.address] });
  await assertRefusesToStart(second, /another nginx/);

  await first.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9", down: true });
  const before = await first.api.configuration();
  assert.equal((await ask(first.port)).text, backend.id);
  await first.stop();
  await second.start();
  assert.equal(
    await second.api.configuration(),
    before,
    "the second nginx can start when the first has ended",
  );
});

test("nginx -t accepts the configuration while the gateway runs", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  assert.deepEqual(gateway.testConfiguration(), { code: 0, complaint: "" });
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });
});
