/** One upstream in the dashboard: its servers, events, configuration, registry, and explanation. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { PROBE_ERRORS } from "../gateway/support/health.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { statusOf } from "../gateway/support/overview.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { namesIn, openDashboard, rowOf } from "./support/browser.mjs";

/**
 * Starts a gateway with three servers under traffic: quick, slow and sick.
 * @param {import("node:test").TestContext} context
 */
async function startThree(context) {
  const [quick, slow, sick] = await startBackends(context, 3);
  slow.behaviour = { delay: 150 };
  const health_check = { uri: "/health", interval: "200ms", timeout: "10s" };
  const servers = [
    { server: quick.address, weight: 3 },
    { server: slow.address, max_conns: 50 },
    { server: sick.address, backup: true },
  ];
  const gateway = await startGateway(context, { upstreams: { app: { servers, health_check } } });
  gateway.log.allow(PROBE_ERRORS);
  const { api } = gateway;
  await waitFor("all are checked", async () => {
    return (await statusOf(api)).servers.every(({ check }) => check?.status === "passed");
  });
  sick.behaviour = { status: 503 };
  await waitFor("one is unhealthy", async () => (await statusOf(api)).states.unhealthy === 1);
  startLoad(context, { port: gateway.port, connections: 4, pause: 20 });
  return { gateway, api, quick, slow, sick };
}

/** @param {string} text */
const numberIn = (text) => Number(/[\d.]+/.exec(text.replaceAll(",", ""))?.[0] ?? NaN);

test("each server has a row with its state, reason, weight, share, rate and percentiles", async (context) => {
  const { gateway, quick, slow, sick } = await startThree(context);
  const { page } = await openDashboard(context, gateway, { hash: "#/u/app" });
  const cell = (/** @type {string} */ address, /** @type {string} */ id) =>
    rowOf(page, address).locator(`.cell.${id}`);
  await rowOf(page, sick.address).waitFor();
  assert.equal((await namesIn(page, "Servers of app"))[0], sick.address, "the worst comes first");
  assert.match(await rowOf(page, sick.address).innerText(), /unhealthy since \d+ s: \/health returned 503/);
  await waitFor(
    "the quick server has a rate",
    async () => numberIn(await cell(quick.address, "rate").innerText()) > 0,
  );
  await waitFor("the slow server is slower", async () => {
    const [fast, late] = [
      await cell(quick.address, "p50").innerText(),
      await cell(slow.address, "p50").innerText(),
    ];
    return /\d/.test(fast) && /\d/.test(late) && /s/.test(late) && numberIn(late) >= 100;
  });
  assert.equal(await cell(quick.address, "weight").innerText(), "3");
  assert.match(await cell(slow.address, "active").innerText(), /\/\s*50/);
  assert.equal(await cell(sick.address, "check").innerText(), "failed");
  assert.match(await rowOf(page, sick.address).innerText(), /backup/);
  await waitFor("the shares follow the weights", async () => {
    const share = numberIn(await cell(quick.address, "share").innerText());
    return share > 60 && share < 90;
  });
});

test("a server's panel shows what least_load compares and each factor of its weight", async (context) => {
  const backends = await startBackends(context, 2);
  for (const backend of backends) backend.behaviour = { delay: 5, in_flight: 9 };
  const servers = backends.map(({ address }) => ({ server: address }));
  const least_load = { report: { in_flight: "$upstream_http_x_in_flight" } };
  const app = { method: "least_load", least_load, outlier_detection: { mode: "degrade" }, servers };
  const gateway = await startGateway(context, { upstreams: { app } });
  startLoad(context, { port: gateway.port, connections: 4, pause: 20 });
  const { page } = await openDashboard(context, gateway, { hash: "#/u/app/s/0" });
  const panel = page.getByRole("complementary", { name: `Server ${backends[0].address}` });
  await panel.getByText("1 left by outlier detection").waitFor();
  await panel
    .getByText(/in flight, .* from elsewhere \(reported .* ms expected, (hot|cold) \(hot above/)
    .waitFor();
});

test("a deep link opens one server with all that is known of it", async (context) => {
  const { gateway, slow } = await startThree(context);
  const { page } = await openDashboard(context, gateway, { hash: "#/u/app/s/1" });
  const panel = page.getByRole("complementary", { name: `Server ${slow.address}` });
  await panel.waitFor();
  await panel.getByText("up: it is healthy").waitFor();
  await panel.getByText(/of at most 50/).waitFor();
  await panel.getByRole("heading", { name: "Why does it get what it gets?" }).waitFor();
  await waitFor(
    "its responses are counted",
    async () =>
      numberIn(await panel.getByRole("row", { name: /^2xx/ }).getByRole("cell").last().innerText()) > 0,
  );
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  assert.match(page.url(), /#\/u\/app$/);
  await page.keyboard.press("Escape");
  await page.getByRole("table", { name: "Upstreams" }).waitFor();
});

test("each part of an upstream opens by its number, and shows what the gateway knows", async (context) => {
  const { gateway, api, sick } = await startThree(context);
  const { page } = await openDashboard(context, gateway, { hash: "#/u/app", allowed: [/status of 404/] });
  await rowOf(page, sick.address).waitFor();
  await page.keyboard.press("2");
  await page.getByRole("region", { name: "Events" }).getByText(sick.address).first().waitFor();
  sick.behaviour = {};
  await page
    .getByRole("region", { name: "Events" })
    .getByText(/\/health returned 200/)
    .first()
    .waitFor();
  await page.keyboard.press("3");
  const configuration = page.getByRole("region", { name: "Configuration" });
  await configuration.getByText("health_check").waitFor();
  assert.match(await configuration.innerText(), /\/health/);
  await api.expect(200, "PATCH", sluice(), { panic_threshold: 33 });
  await configuration.getByText("33", { exact: true }).waitFor();
  await page.keyboard.press("4");
  await page.getByText("The servers of this upstream were added by hand.").waitFor();
  await page.keyboard.press("5");
  const explanation = page.getByRole("region", { name: "Explanation" });
  await explanation.getByText(/would choose .* next|at random/).waitFor();
  await explanation.getByText(sick.address).first().waitFor();
  await page.keyboard.press("1");
  await page.getByRole("table", { name: "Servers of app" }).waitFor();
});

test("a registry shows its state and the entries that it skips, and its servers cannot be changed here", async (context) => {
  const [backend] = await startBackends(context, 1);
  const folder = makeFolder(context, "registry");
  const path = join(folder, "servers.json");
  writeFileSync(path, JSON.stringify({ servers: [backend.address, "not an address"] }), { mode: 0o644 });
  const gateway = await startGateway(context, { upstreams: { app: { discovery: { file: { path } } } } });
  await waitFor("the server is there", async () => (await gateway.api.get(serversOf())).body.length === 1);
  const { page } = await openDashboard(context, gateway, { hash: "#/u/app/discovery" });
  const discovery = page.getByRole("region", { name: "Discovery" });
  await discovery.getByText(/the state is ok/).waitFor();
  await discovery.getByRole("cell", { name: "not an address" }).waitFor();
  await page.keyboard.press("1");
  await page.getByRole("link", { name: backend.address }).click();
  await page.getByText(/It can be changed only where it comes from/).waitFor();
  assert.equal(await page.getByRole("button", { name: "Delete" }).count(), 0);
});

test("an upstream that does not exist, or is deleted, is named as such", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const { page } = await openDashboard(context, gateway, { hash: "#/u/none", allowed: [/status of 404/] });
  await page.getByText("There is no upstream of this name, or it was deleted.").waitFor();
  await page.evaluate(() => (location.hash = "#/u/app"));
  await page.getByText("This upstream has no servers.").waitFor();
  await gateway.api.expect(204, "DELETE", sluice());
  await page.getByText("There is no upstream of this name, or it was deleted.").waitFor();
});

test("the zones of servers are shown, and the explanation shows the share of each zone", async (context) => {
  const [local, other] = await startBackends(context, 2);
  const servers = [{ server: local.address, zone: "eu-1a" }, { server: other.address }];
  const gateway = await startGateway(context, {
    upstreams: { app: { zones: {}, servers } },
    setup: { zone: "eu-1a" },
  });
  const { page } = await openDashboard(context, gateway, { hash: "#/u/app" });
  const origin = rowOf(page, local.address).locator(".cell.origin");
  await origin.waitFor();
  assert.match(await origin.innerText(), /, eu-1a$/);
  await page.evaluate(() => {
    location.hash = "#/u/app/explain";
  });
  const zones = page.getByLabel("Explanation").locator("ul.why");
  await zones.waitFor();
  const text = await zones.innerText();
  assert.match(text, /Servers without a zone: 0\.5 % of the requests, 1 of 1 server available/);
  assert.match(text, /eu-1a \(local\): 99\.5 % of the requests, 1 of 1 server available/);
});
