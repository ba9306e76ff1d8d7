/** A client that is bound to a backup stays with it when the primaries fail, as in nginx. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { Client } from "./support/sessions.mjs";
import { serversOf } from "./support/upstreams.mjs";

const byRoute = { route: { variables: ["$arg_r"] } };
const reset = /(Connection reset by peer|prematurely closed connection).*upstream/;
/**
 * The probability that this number of requests goes to the right one of two backups by chance is 1 in a
 * million.
 */
const times = 20;

/**
 * Starts two primary servers and two backups.
 * @param {import("node:test").TestContext} context
 * @param {object} sticky
 * @param {string[]} routes
 * @param {object} [parameters] of each server
 */
async function startGroups(context, sticky, routes, parameters = { max_fails: 0 }) {
  const backends = await startBackends(context, 4);
  const servers = backends.map(({ address }, index) => ({
    ...parameters,
    server: address,
    backup: index >= 2,
    route: routes[index],
  }));
  const gateway = await startGateway(context, { upstreams: { app: { sticky, servers } } });
  gateway.log.allow(reset);
  return { backends, gateway };
}

/** @param {{ port: number }} gateway @param {string} path */
async function answering({ port }, path) {
  const answers = await Promise.all(Array.from({ length: times }, () => ask(port, path)));
  return new Set(answers.map(({ status, text }) => (status === 200 ? text : status)));
}

test("a route to a backup is followed when the primaries fail within the request", async (context) => {
  const { backends, gateway } = await startGroups(context, byRoute, ["a", "b", "c", "d"]);
  const [one, other, first, second] = backends;
  for (const primary of [one, other]) primary.behaviour = { reset: 1 };
  assert.deepEqual(await answering(gateway, "/?r=d"), new Set([second.id]));
  assert.deepEqual(
    [one.requests.length, other.requests.length],
    [times, times],
    "each primary server was tried first",
  );
  assert.deepEqual(await answering(gateway, "/?r=c"), new Set([first.id]));
  second.behaviour = { reset: 1 };
  assert.deepEqual(
    await answering(gateway, "/?r=d"),
    new Set([first.id]),
    "the failing backup is tried once",
  );
  other.behaviour = {};
  assert.deepEqual(
    await answering(gateway, "/?r=d"),
    new Set([other.id]),
    "a primary server takes precedence",
  );
});

test("a cookie for a backup is followed when the primaries fail within the request", async (context) => {
  const { backends, gateway } = await startGroups(context, { cookie: { name: "srv" } }, ["", "", "", ""]);
  const setDown = async (down) => {
    for (const id of [0, 1]) await gateway.api.expect(200, "PATCH", `${serversOf()}/${id}`, { down });
  };
  await setDown(true);
  const clients = Array.from({ length: 8 }, () => new Client(gateway.port));
  for (const client of clients) await client.ask();
  assert.equal(new Set(clients.map(({ server }) => server)).size, 2, "both backups have clients");
  await setDown(false);
  for (const primary of backends.slice(0, 2)) primary.behaviour = { reset: 1 };
  for (const client of clients) {
    const { server, value } = client;
    for (let turn = 0; turn < 4; turn += 1) await client.ask();
    assert.deepEqual([client.server, client.value], [server, value]);
  }
});

test("a primary and a backup can share a route: the backup replaces the primary when it fails", async (context) => {
  const parameters = { max_fails: 1, fail_timeout: "1h" };
  const { backends, gateway } = await startGroups(context, byRoute, ["a", "b", "c", "a"], parameters);
  const [one, other, , second] = backends;
  assert.deepEqual(await answering(gateway, "/?r=a"), new Set([one.id]));
  for (const primary of [one, other]) primary.behaviour = { reset: 1 };
  assert.deepEqual(await answering(gateway, "/?r=a"), new Set([second.id]));
  const { length } = one.requests;
  assert.deepEqual(await answering(gateway, "/?r=a"), new Set([second.id]));
  assert.equal(one.requests.length, length, "the unavailable primary server receives no requests");
});
