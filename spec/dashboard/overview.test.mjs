/** The first screen of the dashboard: all upstreams, the worst first, with what is wrong and since when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { PROBE_ERRORS } from "../gateway/support/health.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { summaryOf } from "../gateway/support/overview.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { namesIn, openDashboard, rowOf } from "./support/browser.mjs";

/**
 * Starts a gateway with an upstream in each condition, under traffic.
 * @param {import("node:test").TestContext} context
 */
async function startMixed(context) {
  const [well, other, sick] = await startBackends(context, 3);
  const health_check = { uri: "/health", interval: "200ms" };
  const both = [{ server: well.address }, { server: sick.address }];
  const upstreams = {
    "all-gone": { servers: [{ server: sick.address }], health_check: { ...health_check, mandatory: true } },
    app: { servers: both, health_check },
    registry: {
      servers: [{ server: other.address }],
      discovery: { file: { path: "/nonexistent/servers.json" } },
    },
    shop: { servers: [{ server: well.address }, { server: other.address }] },
    void: {},
  };
  const gateway = await startGateway(context, { upstreams, http: "lua_socket_log_errors off;" });
  gateway.log.allow(PROBE_ERRORS);
  const { api } = gateway;
  await waitFor("all checks pass", async () => {
    const names = ["all-gone", "app"];
    const states = await Promise.all(names.map(async (name) => (await summaryOf(api, name)).states));
    return states.every(({ checking = 0 }) => checking === 0) && states[0].up === 1;
  });
  sick.behaviour = { status: 503 };
  await waitFor("the server is unhealthy", async () => (await summaryOf(api)).states.unhealthy === 1);
  await waitFor(
    "the only server is unhealthy",
    async () => (await summaryOf(api, "all-gone")).states.unhealthy === 1,
  );
  const path = (/** @type {number} */ number) => `/to/shop?delay=${number % 10 === 0 ? 40 : 1}`;
  startLoad(context, { port: gateway.port, connections: 4, pause: 20, path });
  return { gateway, api, sick, well };
}

test("the worst upstream comes first, and says what is wrong and since when", async (context) => {
  const { gateway, api, sick } = await startMixed(context);
  const { page } = await openDashboard(context, gateway);
  await rowOf(page, "shop").waitFor();
  await page.getByText("1 upstream cannot serve").waitFor();
  const names = await namesIn(page, "Upstreams");
  assert.deepEqual(names.toSorted(), ["all-gone", "app", "registry", "shop", "void"]);
  assert.equal(names[0], "all-gone");
  assert.equal(names.at(-1), "shop");
  const text = await rowOf(page, "app").innerText();
  assert.match(text, new RegExp(`${sick.address} is unhealthy since \\d+ s: /health returned 503`));
  assert.match(await rowOf(page, "registry").innerText(), /Discovery is failing: .*servers\.json/);
  assert.match(await rowOf(page, "void").innerText(), /no servers/);
  assert.match(await page.title(), /cannot serve/);
  const icon = await page.locator('link[rel="icon"]').getAttribute("href");
  sick.behaviour = {};
  await waitFor("the server is up", async () => (await summaryOf(api)).states.up === 2);
  await page.getByText("cannot serve").first().waitFor({ state: "detached" });
  assert.notEqual(await page.locator('link[rel="icon"]').getAttribute("href"), icon);
  await page
    .locator(".latest")
    .getByText(/is up|up/)
    .first()
    .waitFor();
});

test("rates, percentiles and active requests are those of the traffic", async (context) => {
  const { gateway, well } = await startMixed(context);
  const { page } = await openDashboard(context, gateway);
  const cell = (/** @type {string} */ id) => rowOf(page, "shop").locator(`.cell.${id}`);
  await waitFor(
    "there is a rate",
    async () => Number((await cell("rate").innerText()).replace(/[^\d.]/g, "")) > 5,
  );
  await waitFor("there are percentiles", async () => /\d/.test(await cell("p99").innerText()));
  assert.match(await cell("servers").innerText(), /2\s*\/\s*2/);
  well.behaviour = { status: 500 };
  await waitFor("errors are shown", async () => /[1-9]\d? %/.test(await cell("errors").innerText()));
});

test("everything works by keyboard: search, rows, help, and the way back", async (context) => {
  const { gateway } = await startMixed(context);
  const { page } = await openDashboard(context, gateway);
  await rowOf(page, "shop").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("sho");
  await waitFor("one row is left", async () => (await namesIn(page, "Upstreams")).join() === "shop");
  await page.keyboard.press("Escape");
  await waitFor("all rows are back", async () => (await namesIn(page, "Upstreams")).length === 5);
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  /** The rows may change their order meanwhile, so what counts is which one has the focus. */
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
  /** @param {string} key @returns the name in the row that has the focus then */
  const moveBy = async (key) => {
    const before = await focused();
    await page.keyboard.press(key);
    const names = await namesIn(page, "Upstreams");
    await waitFor(`"${key}" moves the focus`, async () => {
      const name = await focused();
      return name !== before && names.includes(name);
    });
    return focused();
  };
  await moveBy("j");
  await moveBy("j");
  const name = await moveBy("k");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name }).waitFor();
  assert.match(page.url(), new RegExp(`#/u/${name}$`));
  await page.keyboard.press("u");
  await rowOf(page, "shop").waitFor();
});

test("upstreams that come and go appear and disappear", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [{ server: backend.address }] } },
  });
  const { page } = await openDashboard(context, gateway);
  await rowOf(page, "app").waitFor();
  await gateway.api.expect(201, "PUT", sluice("more"), { servers: [{ server: backend.address }] });
  await rowOf(page, "more").waitFor();
  await gateway.api.expect(201, "POST", serversOf("more"), { server: "127.0.0.1:9" });
  await waitFor("there are two servers", async () =>
    /2\s*\/\s*2/.test(await rowOf(page, "more").innerText()),
  );
  await gateway.api.expect(204, "DELETE", sluice("app"));
  await rowOf(page, "app").waitFor({ state: "detached" });
});

test("the page works on a narrow screen without scrolling sideways", async (context) => {
  const { gateway } = await startMixed(context);
  const { page } = await openDashboard(context, gateway, { viewport: { width: 360, height: 740 } });
  await page.getByRole("link", { name: "shop", exact: true }).waitFor();
  const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  const [width, visible] = await widths();
  assert.ok(width <= visible, `${width} > ${visible}`);
  await page.getByRole("link", { name: "shop", exact: true }).click();
  await page.getByRole("heading", { name: "shop" }).waitFor();
  const [width2, visible2] = await widths();
  assert.ok(width2 <= visible2, `${width2} > ${visible2}`);
});

test("it works behind a path prefix of a proxy", async (context) => {
  const backend = await startBackend(context);
  const upstreams = { app: { servers: [{ server: backend.address }] } };
  const setup = { api: { prefix: "/admin/sluice" } };
  const gateway = await startGateway(context, {
    upstreams,
    setup,
    api: 'location /admin/sluice { content_by_lua_block { require("resty.sluice").api() } }',
  });
  const { page } = await openDashboard(context, gateway, { path: "/admin/sluice/dashboard" });
  await rowOf(page, "app").waitFor();
});
