/** `hash`, `hash … consistent` and `ip_hash` map every key to the same server as nginx's own upstream. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd } from "./support/cleanup.mjs";
import { makeGateway } from "./support/gateway.mjs";
import { askKeys } from "./support/keys.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { havePointInCommon } from "./support/points.mjs";
import { freePort } from "./support/ports.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

useWorkers(4);

/** @typedef {{ server: string, weight: number, down?: boolean }} Server */
/** @typedef {import("./support/keys.mjs").Question} Question */

const keyCount = 10_000;
/** Number of keys to compare after a change. It suffices for keys at each of the servers' points. */
const fewer = 2000;

/** Returns bytes that are the same in each run. @param {number} number */
const bytesOf = (number) => createHash("sha256").update(`key ${number}`).digest();
const numbers = Array.from({ length: keyCount }, (_, number) => number);

/** Short and long keys, and keys with escapes. @type {Question[]} */
const byArgument = numbers.map((number) => {
  const tail = ["", "%20%2f", bytesOf(number).toString("hex"), "ü%"][number % 4];
  return { path: `/?k=${number}${encodeURI(tail)}` };
});

/** @param {number} number */
function clientOf(number) {
  const bytes = bytesOf(number);
  if (number % 2 === 0) return [...bytes.subarray(0, 4)].join(".");
  return bytes.toString("hex", 0, 16).replace(/(.{4})(?=.)/g, "$1:");
}

/** Half of the clients have an IPv4 address, and half have an IPv6 address. @type {Question[]} */
const byClient = numbers.map((number) => ({ path: "/", headers: { "X-Forwarded-For": clientOf(number) } }));

const methods = {
  consistent: {
    directive: "hash $arg_k consistent;",
    config: { method: "hash", hash: { key: "$arg_k", consistent: true } },
    questions: byArgument,
  },
  plain: {
    directive: "hash $arg_k;",
    config: { method: "hash", hash: { key: "$arg_k" } },
    questions: byArgument,
  },
  client: { directive: "ip_hash;", config: { method: "ip_hash" }, questions: byClient },
};

/**
 * Returns nginx's configuration of servers that answer with their addresses. They are faster than servers in
 * this process.
 * @param {Server[]} servers
 */
function answering(servers) {
  return servers
    .map(({ server }) => `server { listen ${server}; location / { return 200 "${server}"; } }`)
    .join("\n");
}

/** @param {string} name @param {string} directive @param {Server[]} servers */
function nativeUpstream(name, directive, servers) {
  const lines = servers.map(
    ({ server, weight, down }) => `server ${server} weight=${weight}${down === true ? " down" : ""};`,
  );
  return `upstream ${name} { ${directive} ${lines.join(" ")} keepalive 128; }`;
}

/**
 * Starts a gateway with an upstream of Sluice for each method, and an upstream of nginx for each method and
 * set of servers.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, Server[]>} sets
 */
async function startTwins(context, sets) {
  const gateway = await makeGateway(context, {});
  const twins = Object.entries(methods).flatMap(([name, { directive }]) =>
    Object.entries(sets).map(([set, servers]) => ({ name: `${name}_${set}`, directive, servers })),
  );
  const all = new Map([...sets.first, ...sets.changed].map((one) => [one.server, one]));
  gateway.configure({
    upstreams: Object.fromEntries(
      Object.entries(methods).map(([name, { config }]) => [name, { ...config, servers: sets.first }]),
    ),
    listen: "reuseport",
    http: [
      answering([...all.values()]),
      ...twins.map(({ name, directive, servers }) => nativeUpstream(name, directive, servers)),
    ].join("\n"),
    traffic: [
      "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;",
      ...twins.map(({ name }) => `location /native/${name} { proxy_pass http://${name}; }`),
    ].join("\n"),
  });
  await gateway.start();
  return gateway;
}

/**
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} method
 * @param {string} set
 * @param {Server[]} servers
 * @param {number} [count] of keys
 */
async function assertEqual(gateway, method, set, servers, count = fewer) {
  const questions = methods[method].questions.slice(0, count);
  const below = (prefix) => questions.map((question) => ({ ...question, path: prefix + question.path }));
  const theirs = await askKeys(gateway.port, below(`/native/${method}_${set}`));
  const ours = await askKeys(gateway.port, below(`/to/${method}`));
  const others = numbers.slice(0, count).filter((number) => ours[number] !== theirs[number]);
  const shown = others.slice(0, 5).map((number) => [questions[number], ours[number], theirs[number]]);
  assert.equal(others.length, 0, `${others.length} keys have another server: ${JSON.stringify(shown)}`);
  const used = servers.filter(({ down }) => down !== true).map(({ server }) => server);
  assert.deepEqual(
    [...new Set(ours)].toSorted(),
    used.toSorted(),
    "every server has keys, except those with down",
  );
}

const weights = [1, 3, 2, 5, 1, 3];
const hosts = ["127.0.0.1", "127.0.0.1", "127.0.0.2", "[::1]", "127.0.0.10"];

/** Returns random sets of servers. @param {string} socket the path of one of them */
async function drawSets(socket) {
  const addresses = await Promise.all(hosts.map(async (host) => `${host}:${await freePort()}`));
  addresses.push(`unix:${socket}`);
  const first = addresses.map((server, index) => ({ server, weight: weights[index] }));
  const down = first.map((server, index) => (index === 3 ? { ...server, down: true } : server));
  const added = { server: `127.0.0.3:${await freePort()}`, weight: 3 };
  // An added server is last in nginx's list and in Sluice's. The order matters without `consistent`.
  const changed = [first[0], { ...first[1], weight: 7 }, ...first.slice(3), added];
  // The same address in another spelling, which has other keys with `consistent`.
  const respelled = changed.map((server) => ({
    ...server,
    server: server.server.replace("[::1]", "[0:0::0:1]"),
  }));
  return { first, down, changed, respelled, added };
}

test("10,000 keys map to the same servers as in nginx, and so do 2,000 with a server down and after changes through the API", async (context) => {
  const socket = join(tmpdir(), `sluice-hash-${process.pid}.sock`);
  atEnd(context, () => rmSync(socket, { force: true }));
  let sets = await drawSets(socket);
  // About one random set in a thousand has equal points.
  const areApart = ({ first, changed, respelled }) =>
    !havePointInCommon([...changed, first[2]]) && !havePointInCommon(respelled);
  while (!areApart(sets)) sets = await drawSets(socket);
  const { first, down, changed, respelled, added } = sets;
  const gateway = await startTwins(context, { first, down, changed, respelled });
  const { api } = gateway;

  for (const [method, { config }] of Object.entries(methods)) {
    const servers = serversOf(method);
    await context.test(`${method}: weights ${weights}`, async () => {
      await assertEqual(gateway, method, "first", first, keyCount);
    });
    await context.test(`${method}: one server is down`, async () => {
      await api.expect(200, "PATCH", `${servers}/3`, { down: true });
      await assertEqual(gateway, method, "down", down);
    });
    await context.test(`${method}: one server is up again, one heavier, one deleted, one added`, async () => {
      await api.expect(200, "PATCH", `${servers}/3`, { down: false });
      await api.expect(200, "PATCH", `${servers}/1`, { weight: 7 });
      await api.expect(200, "DELETE", `${servers}/2`);
      await api.expect(201, "POST", servers, added);
      await assertEqual(gateway, method, "changed", changed);
    });
    await context.test(`${method}: an address has another spelling`, async () => {
      const index = respelled.findIndex(({ server }) => server.startsWith("[0:0"));
      const before = await api.expect(200, "GET", servers);
      const { id } = before.find(({ server }) => server === changed[index].server);
      await api.expect(200, "PATCH", `${servers}/${id}`, { server: respelled[index].server });
      await assertEqual(gateway, method, "respelled", changed);
    });
    await context.test(`${method}: the same set is created in one step`, async () => {
      await api.expect(204, "DELETE", `${sluice(method)}?force=true`);
      await api.expect(201, "PUT", sluice(method), { ...config, servers: changed });
      await assertEqual(gateway, method, "changed", changed);
    });
  }
});
