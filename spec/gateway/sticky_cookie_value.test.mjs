/** The cookie of `sticky.cookie`: its attributes, and a value that cannot be read, guessed or forged. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { Client, cookiesOf, newClients, valueOf } from "./support/sessions.mjs";
import { sluice } from "./support/upstreams.mjs";

useWorkers(4);

const sticky = { cookie: { name: "srv" } };
const valuePattern = /^[0-9a-f]{32}$/;

/**
 * @param {import("node:test").TestContext} context
 * @param {string[]} names of upstreams
 * @param {number} count of servers
 */
async function startSticky(context, names, count) {
  const backends = await startBackends(context, count);
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, {
    upstreams: Object.fromEntries(names.map((name) => [name, { sticky, servers }])),
    http: "large_client_header_buffers 4 16k;",
  });
  return { backends, servers, gateway };
}

/** Returns the parts of a cookie, the value first. @param {string} cookie */
const partsOf = (cookie) => cookie.split(/; ?/);

test("the cookie has every configured attribute and no other", async (context) => {
  const { gateway, servers } = await startSticky(context, ["app"], 1);
  const cases = [
    [{}, ["path=/"]],
    [{ path: "/shop" }, ["path=/shop"]],
    [{ path: "" }, []],
    [{ path: "", secure: true }, ["secure"]],
    [{ domain: ".example.com" }, ["domain=.example.com", "path=/"]],
    [{ httponly: true }, ["httponly", "path=/"]],
    [{ secure: true }, ["secure", "path=/"]],
    [{ samesite: "strict" }, ["samesite=strict", "path=/"]],
    [{ samesite: "lax" }, ["samesite=lax", "path=/"]],
    [{ samesite: "none", secure: true }, ["samesite=none", "secure", "path=/"]],
    [
      { name: "x!y", path: "/a b", domain: "a.example", httponly: true, secure: true, samesite: "lax" },
      ["domain=a.example", "httponly", "path=/a b", "samesite=lax", "secure"],
    ],
  ];
  for (const [attributes, wanted] of cases) {
    const cookie = { ...sticky.cookie, ...attributes };
    await gateway.api.expect(200, "PUT", sluice(), { sticky: { cookie }, servers });
    const [first, ...more] = cookiesOf(await ask(gateway.port), cookie.name);
    assert.equal(more.length, 0);
    const [pair, ...given] = partsOf(first);
    assert.deepEqual(given.toSorted(), wanted.toSorted(), first);
    assert.match(pair.slice(cookie.name.length + 1), valuePattern);
  }
});

test("a cookie with an expiry has both Expires and Max-Age, and every answer renews it", async (context) => {
  const { gateway, servers } = await startSticky(context, ["app"], 2);
  for (const [expires, seconds] of Object.entries({ "90s": 90, "1h": 3600, "1d 1h": 90_000, "1500ms": 1 })) {
    const cookie = { ...sticky.cookie, expires };
    await gateway.api.expect(200, "PUT", sluice(), { sticky: { cookie }, servers });
    const client = new Client(gateway.port);
    for (let turn = 0; turn < 3; turn += 1) {
      const { server } = client;
      const asked = Math.floor(Date.now() / 1000);
      const answer = await client.ask();
      const ended = Math.floor(Date.now() / 1000);
      if (turn > 0) assert.equal(client.server, server);
      const [text, ...more] = cookiesOf(answer);
      assert.equal(more.length, 0);
      const [, ...attributes] = partsOf(text);
      assert.ok(attributes.includes(`max-age=${seconds}`), text);
      const end = Date.parse(attributes.find((part) => part.startsWith("expires="))?.slice(8) ?? "") / 1000;
      // nginx's own clock may be slightly behind.
      assert.ok(end >= asked - 1 + seconds && end <= ended + seconds, `${text} at ${asked}`);
    }
  }
  const cookie = { ...sticky.cookie, expires: "max" };
  await gateway.api.expect(200, "PUT", sluice(), { sticky: { cookie }, servers });
  const end = /; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000;/;
  assert.match(cookiesOf(await ask(gateway.port))[0], end, "the format equals nginx's");
});

test("a domain with variables is evaluated per request, and omitted when it is not a valid domain", async (context) => {
  const { gateway, servers } = await startSticky(context, ["app"], 1);
  const domains = async (domain, path, headers) => {
    const cookie = { ...sticky.cookie, domain, httponly: true };
    await gateway.api.expect(200, "PUT", sluice(), { sticky: { cookie }, servers });
    const [text] = cookiesOf(await ask(gateway.port, path, { headers }));
    const [, ...attributes] = partsOf(text);
    const rest = attributes.filter((part) => !part.startsWith("domain="));
    assert.deepEqual(rest.toSorted(), ["httponly", "path=/"], "the other attributes exist");
    return attributes.filter((part) => part.startsWith("domain="));
  };
  assert.deepEqual(await domains("$host", "/", { Host: "shop.example" }), ["domain=shop.example"]);
  assert.deepEqual(await domains(".${host}", "/", { Host: "shop.example" }), ["domain=.shop.example"]);
  assert.deepEqual(await domains("a.$arg_d.example", "/?d=b"), ["domain=a.b.example"]);
  for (const value of ["", "a;secure", "a%20b", "a/b", "..", "d".repeat(256)])
    assert.deepEqual(await domains("$arg_d", `/?d=${value}`), [], value);
  assert.deepEqual(await domains("$no_such_variable", "/"), []);
});

/** Returns possible encodings of a text, in lower case. @param {string} text */
function spellings(text) {
  const digests = ["md5", "sha1", "sha256"].map((name) => createHash(name).update(text).digest());
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(text));
  const all = [Buffer.from(text), sum, Buffer.from(sum).reverse(), ...digests];
  const encoded = all.flatMap((bytes) => ["hex", "base64", "latin1"].map((form) => bytes.toString(form)));
  return encoded.map((one) => one.toLowerCase());
}

test("the cookie's value does not reveal the server and differs between gateways", async (context) => {
  const { backends, servers, gateway } = await startSticky(context, ["app", "shop"], 4);
  const other = await startGateway(context, { upstreams: { app: { sticky, servers } } });
  const of = async (port) => new Set((await newClients(port, 20)).map(({ value }) => value ?? ""));
  const [own, theirs] = [await of(gateway.port), await of(other.port)];
  assert.deepEqual([own.size, theirs.size], [4, 4]);
  assert.equal(new Set([...own, ...theirs]).size, 8);

  // A short text, such as a port, can occur in 32 digits by chance, once in 10,000 runs. The test therefore
  // uses whole addresses.
  const hints = backends.flatMap(({ address }, id) => [
    address,
    `http://${address}`,
    `app ${address}`,
    `${id} 1`,
  ]);
  for (const value of own) {
    assert.match(value, valuePattern);
    for (const spelled of hints.flatMap(spellings)) {
      const isHint =
        value.includes(spelled) || spelled.includes(value) || spelled.startsWith(value.slice(0, 16));
      assert.ok(!isHint, `${value} is made of ${spelled}`);
    }
  }
  const journal = readFileSync(join(gateway.folder, "state", "journal.0"), "utf8");
  const secrets = [...journal.matchAll(/"session_secret":"([^"]*)"/g)].map(([, secret]) => secret);
  assert.equal(new Set(secrets).size, 2, "each upstream has its own secret");
  const shown = await gateway.api.configuration();
  for (const secret of secrets) assert.ok(!shown.includes(secret), "the API does not show the secret");
});

test("a forged or damaged cookie is ignored", async (context) => {
  const { gateway } = await startSticky(context, ["app", "shop"], 3);
  const [client] = await newClients(gateway.port, 1);
  const guest = new Client(gateway.port, "/to/shop");
  await guest.ask();
  const value = client.value ?? "";
  const digit = value.endsWith("0") ? "1" : "0";
  const forged = {
    empty: "",
    "cut by one": value.slice(0, -1),
    "cut to one": value.slice(0, 1),
    "cut at the front": value.slice(1),
    longer: `${value}0`,
    twice: value + value,
    "another last digit": value.slice(0, -1) + digit,
    quoted: `"${value}"`,
    "in upper case": value.toUpperCase(),
    "with a zero byte, escaped": `${value}%00`,
    zeros: "0".repeat(32),
    "an id": "0",
    "another id": "1",
    "an id and an incarnation": "0 1",
    "a pattern": "%x+",
    "a digest of an id": createHash("md5").update("1").digest("hex"),
    "a name of JavaScript's": "__proto__",
    "a name of Lua's": "__index",
    "10 kB": value.repeat(320),
    "another upstream's": guest.value ?? "",
  };
  for (const [how, wrong] of Object.entries(forged)) {
    const servers = new Set();
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await ask(gateway.port, "/", { headers: { Cookie: `srv=${wrong}` } });
      assert.equal(answer.status, 200, how);
      const cookies = cookiesOf(answer);
      assert.equal(cookies.length, 1, `${how}: it is given a new cookie`);
      assert.notEqual(valueOf(cookies[0]), wrong);
      servers.add(answer.text);
    }
    // At least two of six requests go to the same one of the four workers, which uses the servers in turn.
    assert.ok(servers.size > 1, `${how}: it binds to nobody`);
  }
  const { value: before } = client;
  await client.ask();
  assert.deepEqual([client.value, client.given], [before, 0], "a valid cookie is not replaced");
});
