/** Different spellings of one address mean the same server, in nginx, in the API and in a saved state. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { startBackend } from "./support/backend.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { freePort } from "./support/ports.mjs";
import { peersOf, serversOf, settledPeersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** @param {string} server */
const byAddress = (server) => `${serversOf()}?server=${encodeURIComponent(server)}`;

/** @param {import("./support/api.mjs").Api} api */
async function addressesOf(api) {
  return (await api.expect(200, "GET", serversOf())).map(({ server }) => server);
}

test("attempts are attributed correctly after those of an nginx upstream, in any spelling of the address", async (context) => {
  const backend = await startBackend(context, { host: "::1" });
  const [, port] = backend.address.split("]:");
  const alive = `[0:0:0:0:0:0:0:1]:${port}`;
  const gateway = await startGateway(context, {
    upstreams: { app: {} },
    http: `upstream native { server 127.0.0.1:${await freePort()}; }`,
    // Each failure is the last attempt of a request, which the log phase must find.
    traffic: `
      location /both { proxy_pass http://native; error_page 502 = @app; }
      location @app { proxy_pass http://app; proxy_next_upstream off; }`,
  });
  gateway.log.allow(/connect\(\) (?:to \S+ )?failed/, /no live upstreams/);
  const { api } = gateway;
  await api.expect(201, "POST", serversOf(), { server: alive });
  const failing = [
    `[0:0:0:0:0:0:0:1]:${await freePort()}`,
    `[0000::0001]:${await freePort()}`,
    `[::FFFF:7F00:1]:${await freePort()}`,
    "127.0.0.1:0009",
    `unix:${gateway.folder}/a,b.sock`,
  ];
  for (const server of failing) {
    const { id } = await api.expect(201, "POST", serversOf(), { server, fail_timeout: "1h" });
    await waitFor(`${server} is unavailable`, async () => {
      await ask(gateway.port, "/both");
      return (await peersOf(api)).get(server).state === "unavail";
    });
    const { requests, fails, unavail, responses } = (await settledPeersOf(api)).get(server);
    assert.deepEqual([fails, unavail, responses.total], [requests, 1, 0], server);

    const before = (await peersOf(api)).get(alive);
    for (let number = 0; number < 10; number += 1)
      assert.equal((await ask(gateway.port, "/both")).status, 200);
    const after = (await settledPeersOf(api)).get(alive);
    assert.deepEqual(
      [after.requests - before.requests, after.responses["2xx"], after.fails],
      [10, after.requests, 0],
    );
    await api.expect(200, "DELETE", `${serversOf()}/${id}`);
  }
});

/** Returns the address with all its digits. @param {Buffer} bytes */
const inFull = (bytes) => bytes.toString("hex").replace(/(.{4})(?=.)/g, "$1:");

/**
 * Returns addresses with runs of zeros at every position and of every length, and addresses that resemble
 * IPv4.
 */
function drawAddresses() {
  const addresses = [];
  for (let zeros = 0; zeros < 256; zeros += 1) {
    const bytes = randomBytes(16);
    for (let group = 0; group < 8; group += 1) {
      if ((zeros >> group) & 1) bytes.fill(0, group * 2, group * 2 + 2);
      else if (zeros & 1) bytes[group * 2] = 0;
    }
    addresses.push(bytes);
  }
  for (const start of ["", "ffff", "0001", "fffe"]) {
    for (const end of ["7f000001", "00000102", "00000201", "00000002", "00010000", "c0000201"]) {
      addresses.push(Buffer.from((start + end).padStart(32, "0"), "hex"));
    }
  }
  return addresses;
}

test("the canonical form of an address is the one that nginx writes", async (context) => {
  const gateway = await startGateway(context, {
    servers: [],
    traffic: `
      set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;
      location /name { content_by_lua_block {
        local parse = require("resty.sluice.config.address").parse_address
        local address, problem = parse("[" .. ngx.var.http_x_given .. "]:7")
        ngx.say(ngx.var.remote_addr, " ", address and address.name or problem.text)
      } }`,
  });
  const client = new Api({ port: gateway.port, keepAlive: true });
  atEnd(context, () => client.close());
  for (const bytes of drawAddresses()) {
    const given = inFull(bytes);
    const headers = { "X-Real-IP": given, "X-Given": given.toUpperCase() };
    const [theirs, ours] = (await client.get("/name", headers)).text.trim().split(" ");
    assert.equal(ours, `[${theirs}]:7`, given);
    // nginx must read the canonical form as the same address.
    const again = await client.get("/name", { "X-Real-IP": theirs, "X-Given": theirs });
    assert.equal(again.text.trim(), `${theirs} [${theirs}]:7`);
  }
});

const spellings = [
  ["[::1]:80", "[0:0:0:0:0:0:0:1]:80", "[0::0001]:080", "[::1]"],
  ["[FD00::1]:9", "[fd00:0:0:0::1]:09"],
  ["127.0.0.1:80", "127.0.0.1:080", "127.0.0.1"],
];

test("a server is added once, and deleted by any spelling of its address", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  for (const written of spellings) {
    for (const [index, first] of written.entries()) {
      const added = await api.expect(201, "POST", serversOf(), { server: first });
      for (const server of written) {
        const again = await api.post(serversOf(), { server });
        assert.deepEqual(
          [again.status, again.body.error.code],
          [409, "EntryExists"],
          `${server} is ${first}`,
        );
        assert.ok(again.body.error.text.includes(`"${added.server}"`), again.body.error.text);
      }
      const deleted = written[(index + 1) % written.length];
      assert.deepEqual(await api.expect(200, "DELETE", byAddress(deleted)), [], `${deleted} is ${first}`);
    }
    const twice = await api.put(sluice(), { servers: [{ server: written[0] }, { server: written[1] }] });
    assert.deepEqual([twice.status, twice.body.error.code], [409, "EntryExists"]);
    assert.match(twice.body.error.text, /^servers\[1\]: duplicate server "/);
    assert.ok(twice.body.error.text.includes(written[0]) && twice.body.error.text.includes(written[1]));
  }
});

test("a change of the address to another spelling keeps the server and its state, and shows the new spelling", async (context) => {
  const backend = await startBackend(context, { host: "::1" });
  const [, port] = backend.address.split("]:");
  const gateway = await startGateway(context, { servers: [backend.address, "127.0.0.9:9"], workers: 1 });
  const { api } = gateway;
  await api.expect(200, "PATCH", `${serversOf()}/1`, { down: true });
  const requests = async () => (await settledPeersOf(api)).values().next().value.requests;
  let wanted = 0;
  const assertSame = async (server) => {
    assert.deepEqual(await addressesOf(api), [server, "127.0.0.9:9"]);
    const { id, name } = (await peersOf(api)).get(server);
    assert.deepEqual([id, name, await requests()], [0, server, wanted]);
    for (let number = 0; number < 3; number += 1) assert.equal((await ask(gateway.port)).text, backend.id);
    wanted += 3;
    assert.equal(await requests(), wanted, server);
  };
  await assertSame(backend.address);
  for (const [index, server] of [
    `[0:0:0:0:0:0:0:1]:${port}`,
    `[0::1]:${port}`,
    `[::0001]:${port}`,
    backend.address,
  ].entries()) {
    if (index % 2 === 0) await api.expect(200, "PATCH", `${serversOf()}/0`, { server });
    else
      await api.expect(200, "PUT", sluice(), {
        servers: [{ server }, { server: "127.0.0.9:9", down: true }],
      });
    await assertSame(server);
  }
  // The body has the ids that GET returns.
  const upstream = await api.expect(200, "GET", sluice());
  upstream.servers[0].server = `[::00:1]:${port}`;
  assert.deepEqual(await api.expect(200, "PUT", sluice(), upstream), upstream);
  const taken = await api.patch(`${serversOf()}/1`, { server: `[::0:01]:${port}` });
  assert.deepEqual([taken.status, taken.body.error.code], [409, "EntryExists"]);

  await api.expect(200, "PATCH", `${serversOf()}/0`, { server: `[0::1]:${port}` });
  await gateway.stop();
  await gateway.start();
  assert.deepEqual(await addressesOf(api), [`[0::1]:${port}`, "127.0.0.9:9"]);
});

test("an address with a zone is refused with a clear message", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  const { status, body } = await api.post(serversOf(), { server: "[fe80::1%eth0]:80" });
  assert.deepEqual([status, body.error.code], [400, "UpstreamBadAddress"]);
  assert.match(body.error.text, /IPv6 zone, which is not supported/);
});

/** A journal of version 0.1.0, which treated two spellings as two servers. */
const oldJournal = [
  { revision: 1, upstream: "app", method: "round_robin", next_id: 1 },
  { revision: 2, upstream: "app", method: "round_robin", next_id: 2 },
  { revision: 3, upstream: "app", method: "round_robin", next_id: 3 },
].map((line, id) => {
  const server = ["[::1]:9", "[0:0:0:0:0:0:0:1]:9", "127.0.0.2:9"][id];
  return JSON.stringify({ ...line, put: [{ id, incarnation: id + 1, server }], remove: [] });
});

test("a saved state with a duplicate address is loaded unchanged, and can be changed", async (context) => {
  const gateway = await makeGateway(context, { upstreams: {} });
  const folder = join(gateway.folder, "state");
  mkdirSync(folder);
  writeFileSync(join(folder, "journal.0"), `${oldJournal.join("\n")}\n`);
  await gateway.start();
  const { api } = gateway;
  const all = ["[::1]:9", "[0:0:0:0:0:0:0:1]:9", "127.0.0.2:9"];
  const assertThere = async (...wanted) => {
    const servers = (await api.expect(200, "GET", serversOf())).map(({ id, server }) => [id, server]);
    assert.deepEqual(servers, wanted);
  };
  await assertThere([0, all[0]], [1, all[1]], [2, all[2]]);
  await api.expect(200, "PATCH", sluice(), { method: "least_conn" });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { weight: 2 });
  const taken = await api.patch(`${serversOf()}/0`, { server: all[1] });
  assert.deepEqual([taken.status, taken.body.error.code], [409, "EntryExists"]);
  await assertThere([0, all[0]], [1, all[1]], [2, all[2]]);
  await gateway.stop();
  await gateway.start();
  await assertThere([0, all[0]], [1, all[1]], [2, all[2]]);
  await api.expect(200, "DELETE", byAddress(all[1]));
  await assertThere([0, all[0]], [2, all[2]]);
  await api.expect(200, "DELETE", byAddress(all[1]));
  await assertThere([2, all[2]]);
});
