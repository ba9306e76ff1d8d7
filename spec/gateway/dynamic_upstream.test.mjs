/** Upstreams created at run time, served through one nginx block by the name in $sluice_upstream. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { settledPeersOf, serversOf, sluice } from "./support/upstreams.mjs";

const noneIsLeft = /no live upstreams while connecting to upstream/;

test("an upstream can be created, used, changed and deleted at run time", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  gateway.log.allow(noneIsLeft);
  const askAll = async (name) => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => ask(gateway.port, `/to/${name}`)));
    return new Set(answers.map(({ status, text }) => (status === 200 ? text : status)));
  };
  assert.deepEqual(await askAll("shop"), new Set([502]), "the upstream does not exist yet");

  await api.expect(201, "PUT", sluice("shop"), { servers: [{ server: one.address }] });
  assert.deepEqual(await askAll("shop"), new Set([one.id]));
  await api.expect(201, "POST", serversOf("shop"), { server: other.address });
  assert.deepEqual(await askAll("shop"), new Set([one.id, other.id]));
  const peers = await settledPeersOf(api, "shop");
  assert.equal(peers.get(one.address).requests, one.requests.length);
  assert.equal(peers.get(other.address).requests, other.requests.length);

  await api.expect(201, "PUT", sluice("blog"), { servers: [{ server: other.address }] });
  assert.deepEqual(await askAll("blog"), new Set([other.id]), "upstreams do not share servers");

  await api.expect(204, "DELETE", `${sluice("shop")}?force=true`);
  assert.deepEqual(await askAll("shop"), new Set([502]));
  assert.deepEqual(await askAll("blog"), new Set([other.id]));
  await api.expect(201, "PUT", sluice("shop"), { servers: [{ server: other.address }] });
  assert.deepEqual(await askAll("shop"), new Set([other.id]), "a new upstream of the same name is used");
  assert.equal(
    (await settledPeersOf(api, "shop")).get(other.address).requests,
    16,
    "the counters of the new upstream begin at zero",
  );
});

test("an empty, unknown or unset name is answered 502, with the reason in one log line", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: {},
    traffic: "location /unset { proxy_pass http://sluice_dynamic; }",
  });
  gateway.log.allow(noneIsLeft);
  const reasons = () => gateway.log.entries("warn", "error").filter((line) => line.includes("sluice: "));
  for (const path of ["/to/", "/to/nobody", "/unset"]) {
    const before = reasons().length;
    const { status } = await ask(gateway.port, path);
    assert.equal(status, 502, path);
    const lines = reasons();
    assert.equal(lines.length, before + 1, `${path}: ${lines.slice(before).join("\n")}`);
    assert.match(lines[before], path === "/to/nobody" ? /"nobody"/ : /upstream/);
  }
});

test("one nginx block serves many upstreams", async (context) => {
  const backends = await startBackends(context, 4);
  const gateway = await startGateway(context, { upstreams: {} });
  const names = Array.from({ length: 60 }, (_, number) => `u${number}`);
  const backendOf = (number) => backends[number % backends.length];
  for (const [number, name] of names.entries()) {
    await gateway.api.expect(201, "PUT", sluice(name), { servers: [{ server: backendOf(number).address }] });
  }
  const answers = await Promise.all(names.map((name) => ask(gateway.port, `/to/${name}`)));
  for (const [number, { text }] of answers.entries()) assert.equal(text, backendOf(number).id, names[number]);
});
