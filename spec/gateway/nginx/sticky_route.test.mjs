/**
 * `sticky.route`, retries of bound requests and drained servers: the promises that nginx's public suite
 * asserts in `upstream_sticky_route.t`, `upstream_sticky_next.t` and `upstream_sticky_drain.t` (nginx has the
 * directive since 1.29.6). Variables, changed routes and backups are in `sticky_route.test.mjs` and
 * `sticky_backup.test.mjs`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../support/gateway.mjs";
import { ask } from "../support/load.mjs";
import { cookiesOf, valueOf } from "../support/sessions.mjs";
import { countsOf, startNamed } from "../support/twins.mjs";
import { serversOf, sluice } from "../support/upstreams.mjs";

/** Routes at the end of a cookie, at the beginning of an argument, in the path, or as a whole argument. */
const MAPS = `
  map $cookie_sticky $route_cookie { ~.+\\.(?P<key>\\w+)$ $key; }
  map $arg_sticky $route_argument { ~^(?P<key>\\w+)\\..+ $key; }
  map $request_uri $route_path { ~sticky=.+\\+(?P<key>\\w+)\\+.+ $key; }`;
const sticky = { route: { variables: ["$route_cookie", "$route_argument", "$route_path", "$arg_all"] } };
const routes = ["0", "1", "2", "3"];

/** @typedef {{ path?: string, cookie?: string }} Question */

/**
 * @param {import("node:test").TestContext} context
 * @param {object} settings
 * @param {(string | undefined)[]} [names] the routes
 */
async function startRouted(context, settings, names = routes) {
  const backends = await startNamed(context, names.length);
  const servers = backends.map(({ address }, index) => ({
    server: address,
    max_fails: 0,
    route: names[index],
  }));
  const gateway = await startGateway(context, {
    workers: 1,
    http: `${MAPS} proxy_next_upstream error timeout http_404;`,
    upstreams: { app: { sticky, ...settings, servers } },
  });
  return { backends, servers, gateway, api: gateway.api };
}

/**
 * Sends a request several times.
 * @param {{ port: number }} gateway
 * @param {Question} question
 * @param {number} [count]
 */
async function answersOf({ port }, { path = "/", cookie }, count = 8) {
  const headers = cookie === undefined ? {} : { Cookie: `sticky=${cookie}` };
  const answers = [];
  for (let number = 0; number < count; number += 1) answers.push((await ask(port, path, { headers })).text);
  return answers;
}

/** @type {Record<string, Question>} */
const UNBOUND = {
  "no route": {},
  "a cookie without the pattern": { cookie: "xxx" },
  "a cookie with an empty route": { cookie: "xxx." },
  "an argument without the pattern": { path: "/?sticky=xxx" },
  "an argument with an empty route": { path: "/?sticky=.xxx" },
  "a path without the pattern": { path: "/;sticky=xxx" },
  "an unknown route": { path: "/?all=9" },
};

test("requests without a route that a server has go to all servers in turn", async (context) => {
  const { gateway } = await startRouted(context, {});
  for (const [what, question] of Object.entries(UNBOUND)) {
    const answers = await answersOf(gateway, question);
    assert.deepEqual(countsOf(answers), { a: 2, b: 2, c: 2, d: 2 }, what);
    assert.deepEqual(answers.slice(0, 4), answers.slice(4), what);
  }
});

for (const method of ["round_robin", "least_conn", "ip_hash", "random"])
  test(`${method}: a route in a cookie, an argument or the path leads to its server, in this order`, async (context) => {
    const { backends, gateway } = await startRouted(context, { method });
    for (const [index, { id }] of backends.entries()) {
      /** @type {Question[]} */
      const questions = [
        { cookie: `xxx.${index}` },
        { path: `/?sticky=${index}.xxx` },
        { path: `/;sticky=xxx+${index}+xxx` },
        { path: `/?all=${index}` },
        { path: "/;sticky=xxx+2+xxx?sticky=3.xxx", cookie: `xxx.${index}` },
        { path: `/;sticky=xxx+2+xxx?sticky=${index}.xxx` },
        { path: `/;sticky=xxx+${index}+xxx?all=1` },
      ];
      for (const question of questions)
        assert.deepEqual(countsOf(await answersOf(gateway, question)), { [id]: 8 }, JSON.stringify(question));
    }
  });

test("routes may have different lengths, and servers none", async (context) => {
  const names = ["serverA", "serverBB", "serverCCC", "serverDDDD", undefined];
  const { backends, gateway } = await startRouted(context, {}, names);
  for (const [index, name] of names.entries())
    if (name !== undefined)
      assert.deepEqual(countsOf(await answersOf(gateway, { path: `/?all=${name}` })), {
        [backends[index].id]: 8,
      });
  assert.equal(new Set(await answersOf(gateway, { path: "/?all=" }, 10)).size, 5, "an empty route is none");
});

test("the route of a backup is ignored while a primary server is available", async (context) => {
  const { servers, gateway, api } = await startRouted(context, {}, [undefined, undefined, "2"]);
  await api.expect(200, "PUT", sluice(), {
    sticky,
    servers: [...servers.slice(0, 2), { ...servers[2], backup: true }],
  });
  assert.deepEqual(countsOf(await answersOf(gateway, { path: "/?all=2" })), { a: 4, b: 4 });
});

test("of two servers with a route, the first one is bound; while it fails, requests are answered by the method", async (context) => {
  const { backends, gateway } = await startRouted(context, {}, ["0", undefined, "0"]);
  gateway.log.allow(/prematurely closed connection|Connection reset by peer/);
  const bound = { path: "/?all=0" };
  assert.deepEqual(countsOf(await answersOf(gateway, bound)), { a: 8 });
  backends[0].behaviour = { reset: 1 };
  // nginx's suite expects the second server of the route, and says that nginx does not do this yet.
  assert.deepEqual(Object.keys(countsOf(await answersOf(gateway, bound))), ["b", "c"]);
  assert.equal(backends[0].requests.length, 16, "each request was tried at the first server");
});

for (const method of ["round_robin", "least_conn", "ip_hash"])
  test(`${method}: a bound request is tried first at its server, and once at the other one`, async (context) => {
    const { backends, servers, gateway, api } = await startRouted(context, {}, [undefined, undefined]);
    const cookie = { cookie: { name: "srv" } };
    await api.expect(200, "PUT", sluice(), {
      method,
      sticky: cookie,
      servers: [{ ...servers[0], drain: true }, servers[1]],
    });
    const value = valueOf(cookiesOf(await ask(gateway.port))[0]);
    await api.expect(200, "PUT", sluice(), { method, sticky: cookie, servers });
    for (const backend of backends) backend.behaviour = { status: 404 };
    const tried = [];
    for (const [index, { server }] of backends.entries()) server.on("request", () => tried.push("ab"[index]));
    const { status } = await ask(gateway.port, "/", { headers: { Cookie: `srv=${value}` } });
    assert.deepEqual([status, tried], [404, ["b", "a"]]);
  });

test("a drained server has its bound requests and no others, and so when it is the last one", async (context) => {
  const { gateway, api } = await startRouted(context, {});
  const bound = { path: "/?all=0" };
  assert.deepEqual(countsOf(await answersOf(gateway, {}, 16)), { a: 4, b: 4, c: 4, d: 4 });
  assert.deepEqual(countsOf(await answersOf(gateway, bound)), { a: 8 });
  await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: true });
  assert.deepEqual(countsOf(await answersOf(gateway, bound)), { a: 8 });
  const others = await answersOf(gateway, {}, 12);
  assert.deepEqual(countsOf(others), { b: 4, c: 4, d: 4 });
  assert.deepEqual(others.slice(0, 3), others.slice(3, 6));
  await gateway.reload();
  assert.deepEqual(countsOf(await answersOf(gateway, bound)), { a: 8 }, "after a reload");
  for (const id of [1, 2, 3]) await api.expect(200, "DELETE", `${serversOf()}/${id}?force=true`);
  assert.deepEqual(countsOf(await answersOf(gateway, bound)), { a: 8 });
  gateway.log.allow(/no live upstreams/);
  assert.equal((await ask(gateway.port)).status, 502);
});
