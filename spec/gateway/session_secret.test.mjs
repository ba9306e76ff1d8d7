/** The secret of an upstream's sticky cookies is created once, kept, and never shown. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

const servers = [{ server: "127.0.0.1:9" }, { server: "127.0.0.2:9" }];

/**
 * Returns the secret of an upstream from its last line on disk.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
function savedSecret(gateway, upstream = "app") {
  const folder = join(gateway.folder, "state");
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  const lines = texts.flatMap((text) => text.split("\n").filter(Boolean)).map((line) => JSON.parse(line));
  return lines.findLast((line) => line.upstream === upstream)?.session_secret;
}

test("an upstream keeps the secret of its sticky cookies and never shows it", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const sticky = { cookie: { name: "srv" } };
  const answers = [];
  const ask = async (...request) => {
    const answer = await api.send(...request);
    assert.ok(answer.status < 300, answer.text);
    answers.push(answer);
    return answer;
  };
  await ask("PATCH", sluice(), { sticky: { route: { variables: ["$arg_r"] } } });
  assert.equal(savedSecret(gateway), undefined, "a sticky route needs no secret");
  await ask("PATCH", sluice(), { sticky });
  const secret = savedSecret(gateway);
  assert.match(secret, /^[0-9a-f]{32}$/);

  for (const [method, body] of [
    ["PATCH", { sticky: { cookie: { name: "other" } } }],
    ["PUT", { method: "least_conn", sticky, servers }],
    ["PATCH", { sticky: null }],
    ["PUT", { servers: [] }],
    ["PUT", { sticky, servers }],
  ]) {
    await ask(method, sluice(), body);
    assert.equal(savedSecret(gateway), secret, `${method} ${JSON.stringify(body)}`);
  }
  await gateway.stop();
  await gateway.start();
  const added = await ask("POST", serversOf(), { server: "127.0.0.3:9" });
  assert.equal(savedSecret(gateway), secret, "the secret survives a restart");
  await ask("PATCH", `${serversOf()}/${added.body.id}`, { weight: 2 });
  await ask("DELETE", `${serversOf()}/${added.body.id}`);
  assert.equal(savedSecret(gateway), secret, "the secret survives a change of a server");

  await ask("PUT", sluice("other"), { sticky });
  assert.match(savedSecret(gateway, "other"), /^[0-9a-f]{32}$/);
  assert.notEqual(savedSecret(gateway, "other"), secret, "each upstream has its own secret");
  await ask("GET", sluice());
  await ask("GET", "/api/sluice/1/upstreams");
  await ask("GET", "/api/9/http/upstreams");
  await ask("GET", "/api/9/http/upstreams/app");
  const told = answers.map(({ text, headers }) => text + JSON.stringify(headers)).join("\n");
  const log = readFileSync(gateway.log.path, "utf8");
  for (const text of [told, log]) {
    assert.ok(!text.includes(secret) && !text.includes("session_secret"), text.slice(0, 2000));
  }

  await ask("DELETE", sluice());
  await ask("PUT", sluice(), { sticky });
  assert.notEqual(savedSecret(gateway), secret, "a new upstream of the same name has another secret");
});
