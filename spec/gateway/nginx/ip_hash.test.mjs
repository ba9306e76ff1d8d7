/**
 * `ip_hash` beside nginx's own: the promises of `upstream_ip_hash.t` and `upstream_ip_hash_ipv6.t`. That each
 * client has the same server as with nginx is also in `hash_equality.test.mjs`, with more clients.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd } from "../support/cleanup.mjs";
import { ask } from "../support/load.mjs";
import { bothKinds, countsOf, startNamed, startTwins } from "../support/twins.mjs";

/** @type {Pick<import("../support/twins.mjs").Twin, "directives" | "settings">} */
const method = { directives: "ip_hash;", settings: { method: "ip_hash" } };
const COUNT = 30;
const BELIEVED = "set_real_ip_from 127.0.0.0/8; real_ip_header X-Real-IP;";

/**
 * Clients in 30 networks of IPv4, and with 30 addresses of IPv6.
 * @type {Record<string, (n: number) => string>}
 */
const families = { IPv4: (number) => `127.0.${number}.2`, IPv6: (number) => `::${number.toString(16)}` };

for (const [family, addressOf] of Object.entries(families))
  for (const count of [1, 2, 3])
    test(`clients with addresses of ${family} are spread over ${count} servers as with nginx, and each stays`, async (context) => {
      const servers = (await startNamed(context, count)).map(({ address }) => ({ server: address }));
      const gateway = await startTwins(context, { app: { ...method, servers } }, { traffic: BELIEVED });
      const round = () =>
        bothKinds("app", async (path) => {
          const answers = [];
          for (let number = 1; number <= COUNT; number += 1) {
            const headers = { "X-Real-IP": addressOf(number) };
            answers.push((await ask(gateway.port, `${path}/`, { headers })).headers["x-backend"]);
          }
          return answers.map(String);
        });
      const first = await round();
      assert.deepEqual(
        Object.values(countsOf(first)),
        Array(count).fill(COUNT / count),
        "nginx's hash spreads these clients evenly",
      );
      assert.deepEqual(await round(), first);
    });

test("of a network of 256 IPv4 clients, all have the same server", async (context) => {
  const servers = (await startNamed(context, 3)).map(({ address }) => ({ server: address }));
  const gateway = await startTwins(context, { app: { ...method, servers } }, { traffic: BELIEVED });
  const answers = await bothKinds("app", async (path) => {
    const some = [];
    for (const last of [0, 1, 77, 254, 255])
      some.push((await ask(gateway.port, `${path}/`, { headers: { "X-Real-IP": `10.1.2.${last}` } })).text);
    return some;
  });
  assert.equal(new Set(answers).size, 1);
});

test("clients of a unix socket have one server, unless the header names their addresses", async (context) => {
  const servers = (await startNamed(context, 2)).map(({ address }) => ({ server: address }));
  const socket = join(tmpdir(), `sluice-ip-hash-${process.pid}`);
  atEnd(context, () => ["named", "plain"].forEach((kind) => rmSync(`${socket}.${kind}`, { force: true })));
  const proxy = (/** @type {string} */ kind, /** @type {string} */ group) =>
    `location /${kind}/ { proxy_pass http://${group}/; }`;
  const both = [proxy("native/app", "native_app"), proxy("sluice/app", "sluice_dynamic")].join("\n");
  const gateway = await startTwins(
    context,
    { app: { ...method, servers } },
    {
      http: ["named", "plain"]
        .map((kind) => {
          const real = kind === "named" ? "set_real_ip_from unix:; real_ip_header X-Real-IP;" : "";
          return `server { listen unix:${socket}.${kind}; set $sluice_upstream app; ${real} ${both} }`;
        })
        .join("\n"),
    },
  );
  /** @param {string} kind @param {string} path */
  const round = async (kind, path) => {
    const answers = [];
    for (let number = 1; number <= COUNT; number += 1)
      answers.push(await askSocket(`${socket}.${kind}`, `${path}/`, `127.0.${number}.2`));
    return answers;
  };
  const named = await bothKinds("app", (path) => round("named", path));
  assert.deepEqual(countsOf(named), { a: 15, b: 15 });
  const plain = await bothKinds("app", (path) => round("plain", path));
  assert.equal(new Set(plain).size, 1);
  assert.equal((await ask(gateway.port, "/native/app/")).status, 200);
});

/** @param {string} socketPath @param {string} path @param {string} client @returns {Promise<string>} */
function askSocket(socketPath, path, client) {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent: false, headers: { "X-Real-IP": client } }, (response) => {
      response.resume().on("end", () => resolve(String(response.headers["x-backend"])));
    });
    sent.on("error", reject).end();
  });
}
