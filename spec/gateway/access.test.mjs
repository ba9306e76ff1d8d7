/** Access to the API by clients on loopback and by clients with a token. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { basic, bearer, mayBoth, neither, tryBoth } from "./support/access.mjs";
import { Api } from "./support/api.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** nginx takes the client's address from a header. A test has no other way to imitate a remote client. */
const fromElsewhere = { api: "set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;" };
const elsewhere = { "X-Real-IP": "192.0.2.7" };

test("without tokens only clients on loopback may use the API", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], ...fromElsewhere });
  assert.deepEqual(await tryBoth(gateway, {}), mayBoth);
  assert.deepEqual(await tryBoth(gateway, { "X-Real-IP": "127.8.9.10" }), mayBoth);
  assert.deepEqual(await tryBoth(gateway, { "X-Real-IP": "::1" }), mayBoth);
  for (const address of ["192.0.2.7", "10.0.0.1", "2001:db8::1", "128.0.0.1", "::2"]) {
    assert.deepEqual(await tryBoth(gateway, { "X-Real-IP": address }), neither("403 Forbidden"), address);
  }
  const every = ["/api", "/api/9/http/upstreams", "/api/sluice/1/upstreams", "/api/9/nginx", "/api/nothing"];
  for (const path of every) assertErrorBody(await gateway.api.get(path, elsewhere), 403, "Forbidden");
  assert.deepEqual(
    await tryBoth(gateway, { "X-Forwarded-For": "127.0.0.1", ...elsewhere }),
    neither("403 Forbidden"),
  );
});

test("a client of this machine is also local at a socket for both IPv4 and IPv6", async (context) => {
  const port = await freePort();
  const gateway = await startGateway(context, {
    servers: ["127.0.0.1:9"],
    api: `listen [::]:${port} ipv6only=off; set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;`,
  });
  const api = new Api({ port });
  // The client's address is ::ffff:127.0.0.1 at that socket.
  assert.deepEqual(await tryBoth({ api }, {}), mayBoth);
  for (const address of ["::ffff:192.0.2.7", "::7f00:1", "7f00::1"]) {
    assert.deepEqual(await tryBoth(gateway, { "X-Real-IP": address }), neither("403 Forbidden"), address);
  }
});

test("a client at a unix socket is as local as a client on loopback", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], apiUnix: true });
  const api = new Api({ socketPath: join(gateway.folder, "api.sock"), headers: { Host: "localhost" } });
  assert.deepEqual(await tryBoth({ api }, {}), mayBoth);
});

test("tokens can be in a file, which a reload reads again", async (context) => {
  const gateway = await makeGateway(context, { servers: ["127.0.0.1:9"], ...fromElsewhere });
  const file = join(gateway.folder, "tokens");
  gateway.configure({ setup: { api: { write_tokens_file: file } } });
  await assertRefusesToStart(gateway, /"api\.write_tokens_file": could not read it: .*tokens: No such file/);
  writeFileSync(file, "first-secret\nsecond\n", { mode: 0o600 });
  await gateway.start();
  for (const token of ["first-secret", "second"])
    assert.deepEqual(await tryBoth(gateway, { ...bearer(token), ...elsewhere }), mayBoth);
  writeFileSync(file, "third\n");
  await gateway.reload();
  await waitFor("the new workers serve", async () => {
    const [read] = await tryBoth(gateway, { ...bearer("third"), ...elsewhere });
    return read === 200;
  });
  await waitFor("the old workers have ended", () => gateway.workers().length === gateway.workerCount);
  assert.deepEqual(await tryBoth(gateway, bearer("second")), [200, "401 Unauthorized"]);
  assert.doesNotMatch(gateway.log.text(), /first-secret|second|third/);
});

test("with write tokens every write needs one of them, whatever the client's address", async (context) => {
  const setup = { api: { write_tokens: ["first-secret", "second"] } };
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup, ...fromElsewhere });
  for (const token of ["first-secret", "second"]) {
    assert.deepEqual(await tryBoth(gateway, bearer(token)), mayBoth);
    assert.deepEqual(await tryBoth(gateway, { ...bearer(token), ...elsewhere }), mayBoth);
  }
  assert.deepEqual(await tryBoth(gateway, {}), [200, "401 Unauthorized"], "loopback may still read");
  for (const header of ["bearer second", "BEARER second", "basic"]) {
    const value = header === "basic" ? basic("", "second").replace("Basic", header) : header;
    assert.deepEqual(
      await tryBoth(gateway, { Authorization: value }),
      mayBoth,
      "the scheme is case-insensitive",
    );
  }
  for (const header of [
    "Bearer third",
    "Bearer secon",
    "Bearer second2",
    "Bearer ",
    "Bearer",
    "Basic second",
    "second",
    "",
    "Digest second",
    basic("second", "third"),
    basic("", ""),
    `Basic ${Buffer.from("second").toString("base64")}`,
    "Basic ?",
  ]) {
    const [, write] = await tryBoth(gateway, { Authorization: header });
    assert.equal(write, "401 Unauthorized", header);
  }
  const unauthorized = await gateway.api.put(sluice("new"), { servers: [] });
  assert.equal(unauthorized.headers["www-authenticate"], 'Basic realm="Sluice", Bearer');
  // A browser would ask for a password at "Basic"; the script of the dashboard asks for the token itself.
  const byScript = await gateway.api.put(sluice("new"), { servers: [] }, { "X-Requested-With": "Sluice" });
  assert.equal(byScript.headers["www-authenticate"], "Bearer");
  assertErrorBody(await gateway.api.delete(`${serversOf()}/0`), 401, "Unauthorized");
  assertErrorBody(await gateway.api.delete("/api/9/http/upstreams/app"), 401, "Unauthorized");
});

test("a token may be the password of HTTP Basic, with any user name", async (context) => {
  const setup = { api: { write_tokens: ["w:1"], read_tokens: ["r"] } };
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup });
  for (const user of ["", "admin", "datadog"]) {
    assert.deepEqual(await tryBoth(gateway, { Authorization: basic(user, "w:1") }), mayBoth);
    assert.deepEqual(await tryBoth(gateway, { Authorization: basic(user, "r") }), [200, "403 RoleMissing"]);
    assert.deepEqual(
      await tryBoth(gateway, { Authorization: basic(user, "x") }),
      neither("401 Unauthorized"),
    );
  }
});

test("a read token allows reads and no writes", async (context) => {
  const setup = { api: { write_tokens: ["w"], read_tokens: ["r"] } };
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup, ...fromElsewhere });
  for (const from of [{}, elsewhere]) {
    assert.deepEqual(await tryBoth(gateway, { ...bearer("r"), ...from }), [200, "403 RoleMissing"]);
    assert.deepEqual(await tryBoth(gateway, { ...bearer("w"), ...from }), mayBoth);
    assert.deepEqual(await tryBoth(gateway, from), neither("401 Unauthorized"));
    assert.deepEqual(await tryBoth(gateway, { ...bearer("x"), ...from }), neither("401 Unauthorized"));
  }
});

test("with writes off every change is refused as in NGINX Plus", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup: { api: { write: false } } });
  const { api } = gateway;
  const before = await api.configuration();
  for (const answer of [
    await api.post(serversOf(), { server: "127.0.0.2:9" }),
    await api.patch(`${serversOf()}/0`, { weight: 2 }),
    await api.delete(`${serversOf()}/0`),
    await api.delete("/api/9/http/upstreams/app"),
    await api.put(sluice(), { servers: [] }),
    await api.patch(sluice(), { servers: [] }),
    await api.delete(sluice()),
    await api.delete("/api/9/http/upstreams/DASHBOARD_INIT/servers/__TEST_FOR_WRITE__/"),
  ]) {
    assertErrorBody(answer, 405, "MethodDisabled");
  }
  assert.equal(await api.configuration(), before);
});

test("the API can have another prefix", async (context) => {
  const gateway = await startGateway(context, {
    servers: ["127.0.0.1:9"],
    setup: { api: { prefix: "/control/api" } },
    api: 'location /control/api { content_by_lua_block { require("resty.sluice").api() } }',
  });
  const { api } = gateway;
  assert.deepEqual((await api.get("/control/api")).body.at(-1), 9);
  const added = await api.post("/control/api/9/http/upstreams/app/servers", { server: "127.0.0.2:9" });
  assert.equal(added.status, 201, added.text);
  assert.equal((await api.get(added.headers.location ?? "")).body.id, 1);
  assert.equal((await api.get("/control/api/sluice/1/upstreams/app")).status, 200);
});
