/** axe-core finds nothing wrong with any view, in the light and in the dark scheme, wide and narrow. */
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { begin } from "../gateway/support/clients.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { PROBE_ERRORS } from "../gateway/support/health.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { statusOf } from "../gateway/support/overview.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { assertAccessible, openDashboard, rowOf } from "./support/browser.mjs";

/**
 * Starts a gateway whose upstream "app" has a server in every state.
 * @param {import("node:test").TestContext} context
 */
async function startEveryState(context) {
  const backends = await startBackends(context, 6);
  // A busy machine may delay the answer to a check by seconds, and two servers must stay up.
  const health_check = { uri: "/health", interval: "200ms", timeout: "30s" };
  const servers = backends.map(({ address }) => ({ server: address }));
  const app = { servers, health_check, queue: { size: 10 }, load: {}, panic_threshold: 0 };
  const file = { path: "/nonexistent/servers.json" };
  const upstreams = { app, registry: { discovery: { file } }, void: {} };
  // The requests that hang must outlast the test on a busy machine.
  const http = "lua_socket_log_errors off; proxy_read_timeout 1h;";
  const gateway = await startGateway(context, { upstreams, http });
  gateway.log.allow(PROBE_ERRORS);
  const { api } = gateway;
  await waitFor("all are checked", async () => {
    return (await statusOf(api)).servers.every(({ check }) => check?.status === "passed");
  });
  backends[0].behaviour = { status: 503 };
  await api.expect(200, "PATCH", `${serversOf()}/1`, { down: true });
  await api.expect(200, "PATCH", `${serversOf()}/2`, { standby: true });
  await api.expect(204, "POST", `${sluice()}/servers/4/report`, { utilization: 0.5 });
  for (let number = 0; number < 12; number += 1) begin(context, gateway.port, "/?hang=1");
  await waitFor("each server has a request", async () => (await statusOf(api)).servers[3].active > 0);
  startLoad(context, { port: gateway.port, connections: 2, pause: 20 });
  await api.expect(202, "POST", `${sluice()}/servers/3/drain?force=true`, { deadline: "1h" });
  await waitFor("one is unhealthy", async () => (await statusOf(api)).states.unhealthy === 1);
  return gateway;
}

/** The views by the hash of their URLs, and what shows that they are there. */
const views = [
  ["#/", "Upstreams"],
  ["#/u/app", "Servers of app"],
  ["#/u/app/s/0", "Actions"],
  ["#/u/app/s/3", "Actions"],
  ["#/u/app/events", "Events"],
  ["#/u/app/configuration", "Configuration"],
  ["#/u/app/explain", "Explanation"],
  ["#/u/registry/discovery", "Discovery"],
  ["#/u/nothing", undefined],
];
const dialogs = ["Drain", "Edit", "Delete"];

for (const scheme of /** @type {const} */ (["light", "dark"])) {
  test(`each view is accessible in the ${scheme} scheme`, async (context) => {
    const gateway = await startEveryState(context);
    const { page } = await openDashboard(context, gateway, { scheme, allowed: [/status of 404/] });
    await rowOf(page, "app").waitFor();
    for (const [hash, label] of views) {
      await page.evaluate((text) => (location.hash = String(text)), hash);
      if (label !== undefined) await page.getByLabel(label, { exact: true }).first().waitFor();
      else await page.getByText("There is no upstream of this name").waitFor();
      await assertAccessible(page, `${scheme} ${hash}`);
    }
    await page.evaluate(() => (location.hash = "#/u/app/s/5"));
    for (const button of dialogs) {
      await page
        .getByRole("group", { name: "Actions" })
        .getByRole("button", { name: button, exact: true })
        .click();
      await page
        .getByRole("dialog")
        .getByRole("region", { name: "Request" })
        .or(page.getByText("Nothing changes yet"))
        .waitFor();
      await assertAccessible(page, `${scheme} ${button}`);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await assertAccessible(page, `${scheme} help`);
    await page.keyboard.press("Escape");
    await page.setViewportSize({ width: 360, height: 740 });
    for (const hash of ["#/", "#/u/app"]) {
      await page.evaluate((text) => (location.hash = text), hash);
      await page
        .getByLabel(hash === "#/" ? "Upstreams" : "Servers of app", { exact: true })
        .first()
        .waitFor();
      await assertAccessible(page, `${scheme} ${hash} narrow`);
    }
  });
}
