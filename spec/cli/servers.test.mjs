/** Tests of the verbs that show and change servers, against a real gateway. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { waitForServers } from "../gateway/support/discovery.mjs";
import { ask } from "../gateway/support/load.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { userOf } from "./support/command.mjs";

const one = "127.0.0.1:9001";
const two = "127.0.0.1:9002";

/** @param {import("node:test").TestContext} context @param {object} [options] */
async function begin(context, options = { servers: [one, two] }) {
  const gateway = await startGateway(context, options);
  return { gateway, api: gateway.api, user: userOf(context, gateway) };
}

test("get lists the upstreams, and the servers of one, in aligned columns", async (context) => {
  const upstreams = { app: { servers: [{ server: one }, { server: two, down: true }] }, empty: {} };
  const { user } = await begin(context, { upstreams });
  assert.equal(
    await user.sluice("get"),
    [
      "NAME   METHOD       UP   ACTIVE  REQUESTS  FAILS  TROUBLE",
      `app    round_robin  1/2       0         0      0  ${two} is down: "down" is set`,
      "empty  round_robin  0/0       0         0      0",
      "",
    ].join("\n"),
  );
  const shown = await user.sluice("get", "app");
  assert.match(shown, /^app: round_robin, 2 servers, revision \d+\n/);
  assert.match(shown, /\nID {2}SERVER {10}STATE {2}WEIGHT {2}ACTIVE {2}REQUESTS {2}FAILS {2}REASON\n/);
  assert.match(shown, /\n 0 {2}127\.0\.0\.1:9001 {2}up {10}1 {7}0 {9}0 {6}0\n/);
  assert.match(shown, /\n 1 {2}127\.0\.0\.1:9002 {2}down .*"down" is set\n$/);
});

test("get prints the status as JSON and as YAML", async (context) => {
  const { user } = await begin(context);
  const status = JSON.parse(await user.sluice("get", "app", "-o", "json"));
  assert.deepEqual(
    status.servers.map(({ server, state }) => [server, state]),
    [
      [one, "up"],
      [two, "up"],
    ],
  );
  assert.match(await user.sluice("get", "-o", "yaml"), /\nupstreams:\n {2}- name: app\n/);
});

test("an upstream without upstreams says how to begin", async (context) => {
  const { user } = await begin(context, {});
  const { status, stdout, stderr } = await user.run(["get"]);
  assert.deepEqual([status, stdout], [0, ""]);
  assert.match(stderr, /no upstream yet.*sluice apply/);
});

test("add adds a server with its parameters, which the next request may go to", async (context) => {
  const { gateway, api, user } = await begin(context, { upstreams: { app: {} } });
  const backend = await startBackend(context);
  const options = ["--weight", "2", "--max-conns", "7", "--fail-timeout", "30", "--slow-start", "5s"];
  assert.equal(
    await user.sluice("add", "app", backend.address, ...options),
    `app: added ${backend.address} (id 0, weight 2, max_conns 7, fail_timeout 30s, slow_start 5s)\n`,
  );
  assert.equal((await ask(gateway.port, "/")).text, backend.id);
  await user.sluice("add", "app", "127.0.0.2", "--backup", "--down");
  const servers = await api.expect(200, "GET", serversOf());
  assert.deepEqual(
    servers.map(({ server, weight, max_conns, backup, down }) => [server, weight, max_conns, backup, down]),
    [
      [backend.address, 2, 7, false, false],
      ["127.0.0.2:80", 1, 0, true, true],
    ],
  );
});

test("a refused server is reported in one line, with the gateway's reason", async (context) => {
  const { api, user } = await begin(context);
  const before = await api.configuration();
  assert.match(
    await user.fails("add", "app", one),
    /^entry exists: the upstream has a server "127\.0\.0\.1:9001"$/,
  );
  assert.equal(
    await user.fails("add", "app", "127.0.0.3:1", "--weight", "0"),
    'invalid "weight": must be a whole number from 1 to 2147483647',
  );
  assert.match(await user.fails("add", "app", "127.0.0.3:1", "--weight", "x"), /^invalid "weight"/);
  assert.match(await user.fails("add", "app", "app.example:80", "--service", "http"), /^invalid "service"/);
  assert.equal(
    await user.fails("add", "none", one),
    'there is no upstream "none": create it with `sluice apply`',
  );
  assert.equal(await user.fails("get", "none"), 'upstream "none" not found');
  assert.equal(await api.configuration(), before);
});

test("set changes parameters, and prints the values before and after", async (context) => {
  const { api, user } = await begin(context);
  assert.equal(
    await user.sluice("set", "app", one, "--weight", "5", "--route", "a", "--max-fails", "0"),
    `app: ${one}: weight 1 → 5, max_fails 1 → 0, route "" → a\n`,
  );
  assert.equal(await user.sluice("set", "app", one, "--weight", "5"), `app: ${one}: nothing has changed\n`);
  assert.equal(
    await user.sluice("set", "app", one, "--to", "127.0.0.9:1"),
    `app: ${one}: server ${one} → 127.0.0.9:1\n`,
  );
  assert.equal(await user.sluice("set", "app", two, "--standby"), `app: ${two}: standby false → true\n`);
  assert.equal(await user.sluice("set", "app", two, "--no-standby"), `app: ${two}: standby true → false\n`);
  const [first] = await api.expect(200, "GET", serversOf());
  assert.deepEqual([first.server, first.weight, first.route], ["127.0.0.9:1", 5, "a"]);
  assert.match(await user.fails("set", "app", two), /^nothing to change: give an option/);
  assert.match(await user.fails("set", "app", one, "--weight", "2"), /has no server 127\.0\.0\.1:9001: /);
});

test("a server is found by every spelling of its address", async (context) => {
  const servers = [{ server: "[::1]:9001" }, { server: "127.0.0.1:80" }, { server: "unix:/run/app.sock" }];
  const { user } = await begin(context, { upstreams: { app: { servers } } });
  for (const spelling of ["[::1]:9001", "[0:0::1]:9001", "[::1]:09001"])
    assert.match(await user.sluice("set", "app", spelling, "--weight", "1"), /^app: \[::1\]:9001: nothing/);
  assert.match(await user.sluice("set", "app", "127.0.0.1", "--weight", "3"), /weight 1 → 3/);
  assert.match(await user.sluice("set", "app", "unix:/run/app.sock", "--weight", "3"), /weight 1 → 3/);
});

test("a host name is added, changed and removed with its addresses", async (context) => {
  const resolver = { addresses: ["127.0.0.1:9"], ipv6: false };
  const { gateway, api, user } = await begin(context, { upstreams: { app: { resolver } } });
  assert.equal(
    await user.sluice("add", "app", "localhost:9001", "--resolve"),
    "app: added localhost:9001 (id 0, resolve true)\n",
  );
  await waitForServers(gateway, ["localhost:9001", "127.0.0.1:9001"]);
  assert.match(await user.sluice("set", "app", "localhost:9001", "--weight", "3"), /weight 1 → 3/);
  assert.equal(
    await user.sluice("rm", "app", "localhost:9001"),
    "app: removed localhost:9001 and its addresses\n",
  );
  assert.deepEqual(await api.expect(200, "GET", serversOf()), []);
});

test("down and up take a server out of service and return it", async (context) => {
  const { api, user } = await begin(context);
  assert.equal(await user.sluice("down", "app", one), `app: ${one} is down, and gets no new requests\n`);
  assert.equal((await api.expect(200, "GET", `${serversOf()}/0`)).down, true);
  assert.match(await user.fails("down", "app", two), /is the only server of "app" that is up.*--yes/);
  assert.equal((await api.expect(200, "GET", `${serversOf()}/1`)).down, false);
  assert.equal(await user.sluice("up", "app", one), `app: ${one} is up\n`);
  await user.sluice("drain", "app", one);
  assert.equal(await user.sluice("up", "app", one), `app: ${one} is up\n`);
  assert.match(await user.sluice("down", "app", one, "--yes"), /is down/);
  assert.match(await user.sluice("down", "app", two, "--yes"), /is down/);
});

test("rm removes a server, but the only one that is up not without --yes", async (context) => {
  const { api, user } = await begin(context);
  assert.equal(await user.sluice("rm", "app", one), `app: removed ${one} (1 server left, 1 up)\n`);
  assert.match(await user.fails("rm", "app", two), /is the only server of "app" that is up.*--yes/);
  assert.equal((await api.expect(200, "GET", serversOf())).length, 1);
  assert.equal(await user.sluice("rm", "app", two, "-y"), `app: removed ${two} (0 servers left, 0 up)\n`);
  assert.deepEqual(await api.expect(200, "GET", serversOf()), []);
});

test("drain --wait ends when the requests in progress have ended", async (context) => {
  const { gateway, api, user } = await begin(context, { upstreams: { app: {} } });
  const [busy, other] = [await startBackend(context), await startBackend(context)];
  await user.sluice("add", "app", busy.address);
  const request = ask(gateway.port, "/?hold=1");
  await waitFor("a request is in progress", () => busy.active === 1);
  await user.sluice("add", "app", other.address);
  const draining = user.start("drain", "app", busy.address, "--wait");
  await draining.shows(/1 request in progress\n/);
  assert.equal((await api.expect(200, "GET", `${serversOf()}/0`)).drain, true);
  const late = await user.run(["drain", "app", busy.address, "--wait", "100ms"]);
  assert.equal(late.status, 1);
  assert.match(late.stderr, /still has 1 request after the time of --wait; it goes on draining/);
  busy.release();
  await request;
  assert.equal(await draining.ended, 0);
  assert.match(draining.output, new RegExp(`app: ${busy.address} is idle\n$`));
  assert.equal((await api.expect(200, "GET", serversOf())).length, 2, "the server stays");
});

test("drain --remove --wait ends when the server has been removed", async (context) => {
  const { gateway, api, user } = await begin(context, { upstreams: { app: {} } });
  const [busy, other] = [await startBackend(context), await startBackend(context)];
  await user.sluice("add", "app", busy.address);
  const request = ask(gateway.port, "/?hold=1");
  await waitFor("a request is in progress", () => busy.active === 1);
  await user.sluice("add", "app", other.address);
  const draining = user.start("drain", "app", busy.address, "--remove", "--deadline", "1h", "--wait");
  await draining.shows(/and is removed when it is idle\n[^]*1 request in progress\n/);
  busy.release();
  await request;
  assert.equal(await draining.ended, 0);
  assert.match(draining.output, /is idle and has been removed\n$/);
  const left = await api.expect(200, "GET", serversOf());
  assert.deepEqual(
    left.map(({ server }) => server),
    [other.address],
  );
  assert.match(await user.fails("drain", "app", other.address), /is the only server of "app" that is up/);
  assert.match(await user.fails("drain", "app", other.address, "--deadline", "1s"), /--remove/);
});

test("get shows the zones of servers, and explain the shares of zones or why these are ignored", async (context) => {
  const servers = [{ server: one, zone: "eu-1a" }, { server: two }];
  const upstreams = { app: { zones: {}, servers } };
  const { api, user } = await begin(context, { upstreams, setup: { zone: "eu-1a" } });
  assert.match(await user.sluice("get", "app"), /FAILS {2}ZONE {3}REASON\n.*up .* eu-1a\n/);
  const shown = await user.sluice("explain", "app");
  assert.match(shown, /\nzones: none 0\.5%, 1\/1 available; eu-1a \(local\) 99\.5%, 1\/1 available\n/);
  assert.match(shown, /\nSERVER +ZONE +STATE .*\n127\.0\.0\.1:9001 {2}eu-1a {2}up /);
  await api.expect(200, "PATCH", sluice(), { zones: { prefer: false } });
  assert.match(await user.sluice("explain", "app"), /\nzones are ignored: "prefer" is false\n/);
});

test("explain shows weights, shares and the next server", async (context) => {
  const { api, user } = await begin(context);
  const shown = await user.sluice("explain", "app");
  assert.match(shown, /^method: round_robin\nSERVER +STATE +WEIGHT +SHARE +ACTIVE +WHY\n/);
  assert.match(shown, /\n127\.0\.0\.1:9001 {2}up +1 {2}0\.0% +0 {2}it is healthy\n/);
  assert.match(shown, /\nnext: 127\.0\.0\.1:900\d \(.*\)\n$/);
  await api.expect(200, "PATCH", sluice(), { method: "hash", hash: { key: "$uri" } });
  const [first, second] = [
    await user.sluice("explain", "app", "--key", "/a"),
    await user.sluice("explain", "app", "--key", "/a"),
  ];
  assert.equal(first, second);
  assert.equal(JSON.parse(await user.sluice("explain", "app", "-o", "json")).method, "hash");
});
