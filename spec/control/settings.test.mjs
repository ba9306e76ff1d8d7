/**
 * `load` and `autoscale` of an upstream in the API: kept, shown without secrets, and refused when invalid.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertErrorBody } from "../gateway/support/error_body.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { assertKept, sluice, someAddress } from "../gateway/support/upstreams.mjs";

const format = "UpstreamConfFormatError";
const SECRET = "no one is to be told 4711";
const webhook = { url: "https://scale.example/hook?app=1", secret: SECRET };
const servers = [{ server: someAddress(1) }];

/**
 * Returns the text of the saved state, which also contains secrets.
 * @param {import("../gateway/support/gateway.mjs").Gateway} gateway
 */
function savedText({ folder }) {
  const names = readdirSync(join(folder, "state")).filter((name) => /^(journal|image)/.test(name));
  return names.map((name) => readFileSync(join(folder, "state", name), "utf8")).join("\n");
}

test("the settings of load and autoscale survive a reload, a restart and a crash, with their defaults", async (context) => {
  const seed = { servers, load: { target: 0.5 }, autoscale: { max: 4, webhook } };
  const gateway = await startGateway(context, { upstreams: { app: seed } });
  const { api } = gateway;
  const shown = await api.expect(200, "GET", sluice());
  assert.deepEqual(shown.load, {
    target: 0.5,
    update: "1s",
    blackout: "10s",
    expiry: "3m",
    max_step_percent: 20,
    min_weight_percent: 5,
    error_penalty: 1,
  });
  const autoscale = { high: 0.8, low: 0.3, for: "30s", cooldown: "60s", min: 1, max: 4, dry_run: false };
  assert.deepEqual(shown.autoscale, { ...autoscale, webhook: { ...webhook, secret: "***" } });
  assert.deepEqual(Object.keys(shown).slice(-3), ["load", "autoscale", "servers"]);
  await assertKept(gateway);
  await api.expect(200, "PATCH", sluice(), { load: null, autoscale: null });
  const { load, autoscale: none } = await api.expect(200, "GET", sluice());
  assert.deepEqual([load, none], [undefined, undefined]);
});

test("the secret of a webhook is never shown, and sending back the shown object keeps it", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const told = [];
  /** @param {string} method @param {unknown} [body] */
  const send = async (method, body, path = sluice()) => {
    const answer = await api.send(method, path, body);
    assert.equal(answer.status, 200, answer.text);
    told.push(answer.text);
    return answer.body;
  };
  await send("PATCH", { autoscale: { max: 4, webhook } });
  const shown = await send("GET");
  await send("PUT", shown);
  await send("PATCH", { autoscale: { ...shown.autoscale, max: 9 } });
  assert.deepEqual(await send("GET"), { ...shown, autoscale: { ...shown.autoscale, max: 9 } });
  await send("GET", undefined, "/api/sluice/1/upstreams");
  await send("GET", undefined, "/api/9/http/upstreams");
  await send("GET", undefined, "/api/sluice/1/events");
  for (const text of told) assert.ok(!text.includes(SECRET), text);
  assert.ok(savedText(gateway).includes(SECRET), "the secret is saved");
  assert.ok(!savedText(gateway).includes("***"), "the replacement text is never saved");

  const before = await api.configuration();
  const hidden = { ...webhook, secret: "***" };
  const refused = [
    ["PATCH", sluice(), { autoscale: { max: 4, webhook: { ...hidden, url: "https://other.example" } } }],
    ["PATCH", sluice(), { autoscale: { max: 4, webhook: { ...hidden, url: `${webhook.url}2` } } }],
    ["PUT", sluice("other"), { servers, autoscale: { max: 4, webhook: hidden } }],
  ];
  for (const [method, path, body] of refused) {
    const answer = await api.send(method, path, body);
    assertErrorBody(answer, 400, format);
    assert.match(
      answer.body.error.text,
      /invalid "autoscale.webhook.secret": must be given again because the address has changed/,
    );
  }
  assert.equal(await api.configuration(), before);
});

test("invalid settings of load and autoscale are refused and change nothing", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const before = await api.configuration();
  for (const [body, says] of [
    [{ load: [] }, /"load": must be an object/],
    [{ load: 1 }, /"load": must be an object/],
    [{ load: { target: 2 } }, /"load.target": must be a number from 0.01 to 1/],
    [{ load: { weight: 1 } }, /unknown parameter "load.weight"/],
    [
      { load: {}, method: "ip_hash" },
      /"load": cannot be combined with the method "ip_hash", which assigns requests by key/,
    ],
    [{ autoscale: {} }, /invalid "autoscale.max": must be given/],
    [{ autoscale: { max: 2, min: 3 } }, /"autoscale.min": must not be more than "max"/],
    [{ autoscale: { max: 2, webhook: { url: "gopher://a", secret: "s" } } }, /"autoscale.webhook.url":/],
    [
      { autoscale: { max: 2, webhook: { url: "http://a" } } },
      /invalid "autoscale.webhook.secret": must be given/,
    ],
    [{ health_check: { report: "a..b" } }, /"health_check.report": must be names separated by dots/],
    [{ health_check: { agent: [] } }, /"health_check.agent": must be an object/],
    [{ health_check: { agent: {} } }, /invalid "health_check.agent.port": must be given/],
    [
      { health_check: { type: "tcp", report: "a" } },
      /"health_check.report": cannot be combined with the type "tcp"/,
    ],
  ]) {
    for (const [method, path] of [
      ["PATCH", sluice()],
      ["PUT", sluice("new")],
    ]) {
      const answer = await api.send(method, path, { servers, ...body });
      assertErrorBody(answer, 400, format);
      assert.match(answer.body.error.text, says);
    }
    assert.equal(await api.configuration(), before);
  }
});
