/**
 * `sticky.route`: a request goes to the server whose `route` it contains, as long as that server accepts it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

useWorkers(4);

const sticky = { route: { variables: ["$cookie_r", "$arg_r"] } };
const routes = ["a", "b", "Blue 1"];
/**
 * Enough requests to exclude chance: one of four workers receives at least five of them, and would use three
 * servers in turn.
 */
const times = 20;

/** @param {import("node:test").TestContext} context */
async function startRouted(context) {
  const backends = await startBackends(context, routes.length);
  const servers = backends.map(({ address }, index) => ({
    server: address,
    route: routes[index],
    max_fails: 0,
  }));
  const gateway = await startGateway(context, { upstreams: { app: { sticky, servers } } });
  return { backends, servers, gateway, api: gateway.api };
}

/**
 * Repeats a request, and returns the servers that answer.
 * @param {{ port: number }} gateway
 * @param {{ path?: string, cookie?: string }} [request]
 */
async function answering(gateway, { path = "/", cookie } = {}) {
  const headers = cookie === undefined ? {} : { Cookie: cookie };
  const answers = await Promise.all(
    Array.from({ length: times }, () => ask(gateway.port, path, { headers })),
  );
  for (const { status, headers } of answers) {
    assert.equal(status, 200);
    assert.equal(
      headers["set-cookie"],
      undefined,
      "Sluice sets no cookie, because the application defines the routes",
    );
  }
  return new Set(answers.map(({ text }) => text));
}

test("the first variable that has a value names the server, on every worker", async (context) => {
  const { backends, gateway } = await startRouted(context);
  const [a, b, blue] = backends.map(({ id }) => new Set([id]));
  const all = new Set(backends.map(({ id }) => id));
  const cases = [
    [{ cookie: "r=a" }, a],
    [{ path: "/?r=b" }, b],
    [{ cookie: "r=a", path: "/?r=b" }, a],
    [{ cookie: "r=", path: "/?r=b" }, b],
    [{ cookie: "x=a; r=b; y=c", path: "/?r=a" }, b],
    [{ cookie: "r=Blue 1" }, blue],
    [{}, all],
    [{ cookie: "r=", path: "/?r=" }, all],
    [{ cookie: "r=unknown" }, all],
    [{ path: "/?r=unknown" }, all],
    [{ path: "/?r=A" }, all],
    [{ path: "/?r=Blue%201" }, all],
    [{ cookie: "r=unknown", path: "/?r=b" }, all],
  ];
  for (const [request, wanted] of cases)
    assert.deepEqual(await answering(gateway, request), wanted, JSON.stringify(request));
  await gateway.reload();
  for (const [request, wanted] of cases)
    assert.deepEqual(await answering(gateway, request), wanted, `after a reload: ${JSON.stringify(request)}`);
});

test("drain allows routed requests, down does not, and requests return after the removal of down", async (context) => {
  const { backends, gateway, api } = await startRouted(context);
  const [a, b, blue] = backends.map(({ id }) => id);
  const routed = () => answering(gateway, { path: "/?r=a" });
  await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: true });
  assert.deepEqual(await routed(), new Set([a]));
  assert.deepEqual(await answering(gateway), new Set([b, blue]));

  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
  assert.deepEqual(await routed(), new Set([b, blue]));
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: false });
  assert.deepEqual(await routed(), new Set([a]));
  await api.expect(200, "DELETE", `${serversOf()}/0`);
  assert.deepEqual(await routed(), new Set([b, blue]));
});

test("a new route takes effect with the next request, on every worker", async (context) => {
  const { backends, servers, gateway, api } = await startRouted(context);
  const [a, b] = backends.map(({ id }) => new Set([id]));
  const all = new Set(backends.map(({ id }) => id));
  const asked = (route) => answering(gateway, { path: `/?r=${route}` });
  for (let turn = 0; turn < 10; turn += 1) {
    await api.expect(200, "PATCH", `${serversOf()}/0`, { route: `turn${turn}` });
    assert.deepEqual(await asked(`turn${turn}`), a);
    assert.deepEqual(await asked(turn === 0 ? "a" : `turn${turn - 1}`), all);
  }
  await api.expect(200, "PATCH", `${serversOf()}/0`, { route: "" });
  assert.deepEqual(await asked("turn9"), all);
  const swapped = [{ ...servers[0], route: "b" }, { ...servers[1], route: "a" }, servers[2]];
  await api.expect(200, "PUT", sluice(), { sticky, servers: swapped });
  assert.deepEqual([await asked("b"), await asked("a")], [a, b]);
  await api.expect(200, "PATCH", sluice(), { sticky: { route: { variables: ["$http_x_route"] } } });
  assert.deepEqual(await asked("a"), all, "the old variable is no longer used");
  await gateway.stop();
  await gateway.start();
  await api.expect(200, "PATCH", sluice(), { sticky });
  assert.deepEqual([await asked("b"), await asked("a")], [a, b], "after a restart");
});

test("of several servers with the same route, the first available one is used", async (context) => {
  const { backends, servers, gateway, api } = await startRouted(context);
  const [a, b, blue] = backends.map(({ id }) => id);
  const both = servers.map((server, index) => ({ ...server, route: index < 2 ? "a" : "blue" }));
  await api.expect(200, "PUT", sluice(), { sticky, servers: both });
  const routed = () => answering(gateway, { path: "/?r=a" });
  assert.deepEqual(await routed(), new Set([a]));
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
  assert.deepEqual(await routed(), new Set([b]));
  await api.expect(200, "PATCH", `${serversOf()}/1`, { down: true });
  assert.deepEqual(await routed(), new Set([blue]));
});

test("a routed request whose server fails is tried on another server", async (context) => {
  const { backends, gateway } = await startRouted(context);
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection).*upstream/);
  backends[0].behaviour = { reset: 1 };
  const answered = await answering(gateway, { path: "/?r=a" });
  assert.ok(!answered.has(backends[0].id));
  assert.equal(backends[0].requests.length, times, "each request was tried once at the failing server");
});
