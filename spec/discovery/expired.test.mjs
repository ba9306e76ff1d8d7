/** The API shows servers that the guard keeps after their registrations have expired. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { allEvents } from "../gateway/support/health.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const body = { server: someAddress(1), ttl: "3s" };

/** @param {import("../gateway/support/api.mjs").Api} api */
const explained = async (api) => (await api.expect(200, "GET", `${sluice()}/explain`)).servers[0];

test("a server that the guard keeps after its expiry is shown as expired until it renews", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  assert.equal((await api.get(`${sluice()}/discovery`)).status, 404, "no node has registered");
  const { expires } = await api.expect(201, "PUT", nodeOf("one"), body);
  assert.equal((await explained(api)).expired, undefined);
  assert.deepEqual((await api.expect(200, "GET", `${sluice()}/discovery`)).expired, []);

  const node = await waitFor("the registration has expired", async () => {
    const shown = await api.expect(200, "GET", nodeOf("one"));
    return shown.expired === true && shown;
  });
  assert.equal(node.expires, expires, "the time is the expiry of the registration");
  const all = await api.expect(200, "GET", `${sluice()}/nodes`);
  assert.equal(all.one.expired, true);
  const server = await explained(api);
  assert.deepEqual([server.expired, server.expires, server.state], [true, expires, "up"]);
  assert.match(server.reason, new RegExp(`registration expired at ${expires}; the guard keeps the server`));
  const discovery = await api.expect(200, "GET", `${sluice()}/discovery`);
  assert.deepEqual(discovery, {
    source: "register",
    state: "ok",
    servers: 1,
    skipped: [],
    skipped_count: 0,
    expired: [{ node: "one", server: body.server, expires }],
  });
  const eventsOf = async () =>
    (await allEvents(api)).filter(({ problem }) => problem === "registration_expired");
  const [event, ...more] = await eventsOf();
  assert.deepEqual(
    [event.expired, event.expires, event.server, event.id],
    [true, expires, body.server, node.id],
  );
  await sleep(600);
  assert.deepEqual(
    [more, (await eventsOf()).length],
    [[], 1],
    "there is one event, even if the expiry is noticed repeatedly",
  );

  const renewed = await api.expect(200, "PUT", nodeOf("one"), { ...body, ttl: "60s" });
  assert.equal(renewed.expired, undefined);
  assert.equal((await explained(api)).expired, undefined);
  assert.deepEqual((await api.expect(200, "GET", `${sluice()}/discovery`)).expired, []);
});

test("an expired server stays expired through a reload", async (context) => {
  const gateway = await startGateway(context, { servers: [] });
  const { api } = gateway;
  await api.expect(201, "PUT", nodeOf("one"), body);
  const isExpired = async () => (await api.expect(200, "GET", nodeOf("one"))).expired === true;
  await waitFor("the registration has expired", isExpired);
  await gateway.reload();
  assert.equal(await isExpired(), true);
});
