/** A `log_by_lua` that is missing or was replaced in a location is detected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { allEvents } from "./support/health.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { signal } from "./support/processes.mjs";
import { sluice, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const missing = /upstream app: a request has ended without log\(\): add log_by_lua_block/;

/** @param {import("./support/gateway.mjs").Gateway} gateway */
const errorsOf = ({ log }) => log.severeEntries().filter((line) => missing.test(line));

/** @param {import("./support/api.mjs").Api} api @returns {Promise<string[]>} */
async function problemsOf(api) {
  const { problems } = await api.expect(200, "GET", `${sluice()}/explain`);
  return problems.map(({ problem }) => problem);
}

/** Locations without and with log(). @type {(unlogged: string) => string} */
const traffic = (unlogged) => `
  location /unlogged { log_by_lua_block { local done } ${unlogged} }
  location /static { return 200; }`;

for (const [what, other] of [
  ["other requests to the upstream", "/"],
  ["requests that are not proxied", "/static"],
  ["requests of its own kind", "/unlogged"],
]) {
  test(`a location without log() is detected with ${what}`, async (context) => {
    const backend = await startBackend(context);
    const gateway = await startGateway(context, {
      workers: 1,
      servers: [backend.address],
      traffic: traffic("proxy_pass http://app;"),
    });
    gateway.log.allow(missing);
    const { api } = gateway;
    assert.deepEqual(await problemsOf(api), []);
    await waitFor("the missing log() is reported", async () => {
      for (const path of ["/unlogged", other]) assert.equal((await ask(gateway.port, path)).status, 200);
      return errorsOf(gateway).length > 0;
    });
    for (let number = 0; number < 20; number += 1) await ask(gateway.port, "/unlogged");
    assert.equal(errorsOf(gateway).length, 1, "the error is logged once");
    assert.deepEqual(await problemsOf(api), ["log_missing"]);
    const [event] = (await allEvents(api)).filter(({ problem }) => problem === "log_missing");
    assert.equal(event.upstream, "app");

    gateway.configure({ traffic: traffic("return 204;") });
    await gateway.reload();
    // An old worker may still answer with the old location.
    await waitFor("the reload has ended the problem", async () => (await problemsOf(api)).length === 0);
  });
}

test("a location without log() is still reported after a failed reload", async (context) => {
  const backend = await startBackend(context);
  const conf = { servers: [backend.address], traffic: traffic("proxy_pass http://app;") };
  const gateway = await startGateway(context, { workers: 1, ...conf });
  gateway.log.allow(missing);
  await waitFor("the missing log() is reported", async () => {
    await ask(gateway.port, "/unlogged");
    return errorsOf(gateway).length > 0;
  });
  // nginx opens its sockets after `setup` has run. No machine has this address.
  gateway.configure({ traffic: `${conf.traffic} listen 192.0.2.1:8080;` });
  const refused = /bind\(\) to 192\.0\.2\.1:8080 failed/;
  gateway.log.allow(refused);
  const before = gateway.workers();
  signal(gateway.master, "SIGHUP");
  await waitFor("the reload is refused", () => refused.test(gateway.log.text()));
  assert.deepEqual(gateway.workers(), before);
  assert.deepEqual(await problemsOf(gateway.api), ["log_missing"]);
});

test("requests without log() do not stay in flight", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, {
    workers: 1,
    servers: [backend.address],
    traffic: traffic("proxy_pass http://app;"),
  });
  gateway.log.allow(missing);
  for (let number = 0; number < 50; number += 1) await ask(gateway.port, "/unlogged");
  const active = await sumOf(gateway.api, "active");
  assert.ok(active < 10, `${active} requests count as in flight`);
});

test("redirects, retries, subrequests, slow and aborted requests raise no false alarm", async (context) => {
  const [one, other] = [await startBackend(context), await startBackend(context)];
  const failing = await startBackend(context);
  failing.behaviour = { reset: 1 };
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: {
      app: { servers: [{ server: one.address }, { server: failing.address, max_fails: 0 }] },
      other: { servers: [{ server: other.address }] },
    },
    traffic: `
      location /redirected { proxy_pass http://app; proxy_intercept_errors on; error_page 503 = /to/other; }
      location /twice { error_page 418 = @again; return 418; }
      location @again { proxy_pass http://app; }
      location /with_subrequest { auth_request /auth; proxy_pass http://app; }
      location = /auth { internal; proxy_pass http://sluice_dynamic/; set $sluice_upstream other; }
      location /mirrored { mirror /mirror; proxy_pass http://app; }
      location = /mirror { internal; proxy_pass http://app; }`,
  });
  gateway.log.allow(/prematurely closed|reset by peer|auth request/);
  one.behaviour = { delay: 2 };
  const slow = ask(gateway.port, "/?delay=1000");
  const paths = ["/", "/redirected", "/twice", "/with_subrequest", "/mirrored"];
  for (let round = 0; round < 15; round += 1) {
    one.behaviour = round % 3 === 0 ? { status: 503 } : { delay: 2 };
    const aborted = new AbortController();
    const left = fetch(`http://127.0.0.1:${gateway.port}/?delay=500`, { signal: aborted.signal }).catch(
      () => {},
    );
    await Promise.all(paths.map((path) => ask(gateway.port, path)));
    aborted.abort();
    await left;
  }
  await slow;
  assert.deepEqual(await problemsOf(gateway.api), []);
  assert.deepEqual(errorsOf(gateway), []);
});
