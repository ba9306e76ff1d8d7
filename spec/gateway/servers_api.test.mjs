/** The servers of an upstream over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

const defaults = {
  weight: 1,
  max_conns: 0,
  max_fails: 1,
  fail_timeout: "10s",
  slow_start: "0s",
  route: "",
  backup: false,
  down: false,
};

/** @param {import("./support/api.mjs").Answer} answer */
function assertJson(answer) {
  assert.match(answer.headers["content-type"] ?? "", /^application\/json\b/);
  assert.notEqual(answer.body, undefined, `this is no JSON: ${answer.text}`);
}

test("servers can be added, listed, read, changed and deleted", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const { api } = gateway;
  const empty = await api.get(serversOf());
  assert.deepEqual([empty.status, empty.text.trim()], [200, "[]"]);

  const added = await api.post(serversOf(), { server: "127.0.0.1:9001" });
  const first = { id: 0, server: "127.0.0.1:9001", ...defaults };
  assert.equal(added.status, 201);
  assert.deepEqual(added.body, first);
  assertJson(added);
  assert.deepEqual(
    (await api.get(added.headers.location ?? "")).body,
    first,
    "Location is the URL of the server",
  );

  const whole = { server: "127.0.0.2:9001", ...defaults, weight: 7, backup: true, down: true };
  assert.deepEqual((await api.post(serversOf(), whole)).body, { id: 1, ...whole });
  assert.equal((await api.post(serversOf(), { server: "127.0.0.3:9001", drain: true })).body.drain, true);
  const list = await api.get(serversOf());
  assert.deepEqual(
    list.body.map(({ id }) => id),
    [0, 1, 2],
    "in the order of adding",
  );
  assertJson(list);

  assert.deepEqual(await api.expect(200, "GET", `${serversOf()}/1`), { id: 1, ...whole });
  const patched = await api.patch(`${serversOf()}/0`, { weight: 3 });
  assert.deepEqual([patched.status, patched.body], [200, { ...first, weight: 3 }]);
  const moved = await api.expect(200, "PATCH", `${serversOf()}/0`, { server: "127.0.0.9:9001" });
  assert.deepEqual(moved, { ...first, weight: 3, server: "127.0.0.9:9001" });

  const deleted = await api.delete(`${serversOf()}/1`);
  assert.deepEqual([deleted.status, deleted.body.map(({ id }) => id)], [200, [0, 2]]);
  assertErrorBody(await api.get(`${serversOf()}/1`), 404, "UpstreamServerNotFound");
  assertErrorBody(await api.delete(`${serversOf()}/1`), 404, "UpstreamServerNotFound");
  assert.equal(
    (await api.post(serversOf(), { server: "127.0.0.2:9001" })).body.id,
    3,
    "ids are not used again",
  );
  await api.expect(200, "DELETE", `${serversOf()}/0`);
  await api.expect(200, "DELETE", `${serversOf()}/2`);
  const last = await api.delete(`${serversOf()}/3`);
  assert.deepEqual([last.status, last.text.trim()], [200, "[]"]);
});

test("a trailing slash makes no difference, and nothing is redirected", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9", "127.0.0.2:9"] });
  const { api } = gateway;
  const paths = ["", "/9", "/9/http", "/9/http/upstreams/app/servers", "/9/http/upstreams/app/servers/0"];
  for (const path of [...paths, "/9/http/caches", "/sluice/1/upstreams", "/sluice/1/upstreams/app"]) {
    const [without, withSlash] = [await api.get(`/api${path}`), await api.get(`/api${path}/`)];
    assert.deepEqual([without.status, withSlash.status], [200, 200], path);
    assert.equal(withSlash.text, without.text, path);
  }
  for (const slash of ["", "/"]) {
    const { id } = await api.expect(201, "POST", `${serversOf()}${slash}`, { server: "127.0.0.3:9" });
    assert.equal((await api.expect(200, "PATCH", `${serversOf()}/${id}${slash}`, { weight: 2 })).weight, 2);
    assert.equal((await api.expect(200, "DELETE", `${serversOf()}/${id}${slash}`)).length, 2);
    await api.expect(204, "DELETE", `/api/9/http/upstreams/app${slash}`);
    await api.expect(201, "PUT", `${sluice("shop")}${slash}`, { servers: [] });
    await api.expect(204, "DELETE", `${sluice("shop")}${slash}`);
  }
});

test("all versions from 1 to 9 have the same answers", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  assert.deepEqual((await api.get("/api")).body, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const wanted = await api.get("/api/9/http/upstreams");
  for (let version = 1; version <= 9; version += 1) {
    const base = `/api/${version}/http/upstreams`;
    assert.equal((await api.get(base)).text, wanted.text);
    const { id } = await api.expect(201, "POST", `${base}/app/servers/`, { server: "127.0.0.2:9" });
    assert.equal((await api.expect(200, "DELETE", `${base}/app/servers/${id}/`)).length, 1);
  }
});

test('"fields" selects fields, and an empty value selects only the names of a collection', async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], upstreams: { other: {} } });
  const { api } = gateway;
  const body = async (path) => api.expect(200, "GET", `/api/9${path}`);
  const { app, other } = await body("/http/upstreams");
  const { zone } = app;
  assert.deepEqual(await body("/http/upstreams?fields=zone,zombies"), {
    app: { zone, zombies: 0 },
    other: { zone: other.zone, zombies: 0 },
  });
  assert.deepEqual((await body("/http/upstreams?fields=")).toSorted(), ["app", "other"]);
  assert.deepEqual(await body("/http/upstreams/app?fields=zone"), { zone });
  assert.deepEqual(await body("/http/upstreams/app/?fields=zone,nothing"), { zone });
  const { version, build } = await body("/nginx");
  assert.deepEqual(await body("/nginx?fields=version,build"), { version, build });
});

test("the whole object that GET returned can be sent back", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: {
      app: {
        servers: [
          { server: "127.0.0.1:9", weight: 2 },
          { server: "127.0.0.2:9", backup: true },
          { server: "127.0.0.3:9", down: true },
          { server: "127.0.0.4:9", drain: true },
          { server: "[::1]:9" },
          { server: "unix:/tmp/there.sock" },
        ],
      },
    },
  });
  const { api } = gateway;
  const before = await api.configuration();
  for (const server of await api.expect(200, "GET", serversOf())) {
    const { id, ...rest } = server;
    const answer = await api.patch(`${serversOf()}/${id}/`, rest);
    assert.deepEqual([answer.status, answer.body], [200, server]);
  }
  assert.equal(await api.configuration(), before, "an unchanged value causes no write");
});

test("drain and down can be set and removed", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const change = async (body) => {
    const { drain, down } = await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, body);
    return { drain, down };
  };
  assert.deepEqual(await change({ drain: true }), { drain: true, down: false });
  assert.deepEqual(
    await change({ weight: 2 }),
    { drain: true, down: false },
    "a change of another parameter keeps drain",
  );
  assert.deepEqual(await change({ down: false }), { drain: undefined, down: false });
  await change({ drain: true });
  assert.deepEqual(await change({ down: true }), { drain: undefined, down: true });
  assert.deepEqual(await change({ down: false }), { drain: undefined, down: false });
  assert.deepEqual(await change({ drain: false }), { drain: undefined, down: false });
});

test("parameters are shown with the given spelling", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const { api } = gateway;
  const spellings = [
    "127.0.0.1:0080",
    "[0:0:0:0:0:0:0:1]:9",
    "[FE80::1]:9",
    "[::ffff:127.0.0.1]:9",
    "unix:/tmp/A.sock",
  ];
  for (const server of spellings) {
    assert.equal((await api.expect(201, "POST", serversOf(), { server })).server, server);
  }
  assert.deepEqual(
    (await api.get(serversOf())).body.map(({ server }) => server),
    spellings,
  );

  for (const [server, parameters] of Object.entries({
    "127.0.0.8:9": { max_conns: 10, max_fails: 0, fail_timeout: "10000ms", slow_start: "1m 30s" },
    "127.0.0.9:9": { max_conns: 0, max_fails: 5, fail_timeout: "0s", slow_start: "0m" },
  })) {
    const added = await api.expect(201, "POST", serversOf(), { server, ...parameters });
    assert.deepEqual(added, { ...added, ...parameters });
    const changed = { max_conns: 7, max_fails: 2, fail_timeout: "1h", slow_start: "2s" };
    for (const [name, value] of Object.entries(changed)) {
      const { [name]: now } = await api.expect(200, "PATCH", `${serversOf()}/${added.id}`, { [name]: value });
      assert.equal(now, value);
    }
  }
});

test("a server can be deleted by its address", async (context) => {
  const addresses = ["127.0.0.1:9", "127.0.0.2:80", "[::1]:9", "unix:/tmp/a+b&c.sock"];
  const gateway = await startGateway(context, { servers: addresses });
  const { api } = gateway;
  assert.equal((await api.expect(200, "DELETE", `${serversOf()}/?server=127.0.0.1:9`)).length, 3);
  assert.equal(
    (await api.expect(200, "DELETE", `${serversOf()}?server=127.0.0.2`)).length,
    2,
    "port 80 is meant",
  );
  assert.equal((await api.expect(200, "DELETE", `${serversOf()}?server=%5B::1%5D:9`)).length, 1);
  const unix = encodeURIComponent(addresses[3]);
  assert.equal((await api.expect(200, "DELETE", `${serversOf()}?server=${unix}`)).length, 0);
});

test("names in a path are percent-decoded", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: { "a.b-c_d:1": { servers: [{ server: "127.0.0.1:9" }] } },
  });
  const { body } = await gateway.api.get("/api/9/http/upstreams/a.b%2Dc_d%3a1/servers");
  assert.equal(body[0].server, "127.0.0.1:9");
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/%73hop", { servers: [] });
  assert.equal((await gateway.api.get(serversOf("shop"))).status, 200);
});
