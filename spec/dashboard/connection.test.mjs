/** One live feed: at most one request a second, none in a hidden tab, and a notice while data is stale. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { openDashboard, rowOf } from "./support/browser.mjs";

/** Chromium's messages while a gateway is gone. */
const GONE = /net::ERR_|Failed to fetch|status of 50/;

/** @param {import("node:test").TestContext} context */
async function startApp(context) {
  const backend = await startBackend(context);
  const upstreams = { app: { servers: [{ server: backend.address }] } };
  const gateway = await startGateway(context, { upstreams });
  return { gateway, backend };
}

/** Counts the page's questions for a status. @param {import("playwright-core").Page} page */
function countQuestions(page) {
  /** @type {number[]} */
  const times = [];
  page.on("request", (request) => {
    if (/\/status(\?|$)/.test(request.url())) times.push(performance.now());
  });
  return times;
}

test("a gateway that is gone is noticed, and the page recovers by itself", async (context) => {
  const { gateway } = await startApp(context);
  startLoad(context, { port: gateway.port, connections: 1, pause: 50 });
  const { page } = await openDashboard(context, gateway, { allowed: [GONE] });
  await rowOf(page, "app").waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  await gateway.stop();
  await page
    .getByRole("alert")
    .getByText(/The data is \d+ s old/)
    .waitFor();
  await page
    .getByRole("alert")
    .getByText(/The gateway does not answer/)
    .waitFor();
  assert.match(await page.title(), /No answer/);
  await rowOf(page, "app").waitFor();
  await gateway.start();
  await page.getByRole("alert").waitFor({ state: "detached", timeout: 60_000 });
  await page.getByText("live", { exact: true }).waitFor();
  await gateway.api.expect(201, "PUT", sluice("later"), { servers: [] });
  await rowOf(page, "later").waitFor();
  await page.locator(".latest").getByText("later").first().waitFor();
});

test("a reload of the gateway is not noticed, and the stream of events continues", async (context) => {
  const { gateway } = await startApp(context);
  const { page } = await openDashboard(context, gateway, { allowed: [GONE] });
  await rowOf(page, "app").waitFor();
  await gateway.reload();
  await gateway.api.expect(201, "PUT", sluice("after-reload"), { servers: [] });
  await page.locator(".latest").getByText("after-reload").first().waitFor({ timeout: 60_000 });
  assert.equal(await page.getByRole("alert").count(), 0);
});

/**
 * Returns when the page has asked, by its own clock: a busy machine tells the test of it late.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<number[]>}
 */
function questionsOf(page) {
  return page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .filter(({ name }) => /\/status(\?|$)/.test(name))
      .map(({ startTime }) => startTime),
  );
}

/** @param {number[]} times */
const gapsOf = (times) => times.slice(1).map((time, index) => time - times[index]);

test("the page asks at most once a second, and one stream brings the events", async (context) => {
  const { gateway } = await startApp(context);
  const { page } = await openDashboard(context, gateway);
  await rowOf(page, "app").waitFor();
  for (const hash of ["#/u/app", "#/"]) {
    const before = (await questionsOf(page)).length;
    await page.evaluate((text) => (location.hash = text), hash);
    await waitFor("there are some questions", async () => (await questionsOf(page)).length >= before + 7);
    // The first two may be the one before the click and the one that follows it at once.
    const gaps = gapsOf((await questionsOf(page)).slice(before + 1));
    // A timer of the browser may be a little early.
    for (const gap of gaps.slice(1)) assert.ok(gap > 900, gaps.join());
  }
  await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 3 });
  await page.locator(".latest").getByText(/app/).first().waitFor();
});

test("a hidden tab asks for nothing, and a visible one is up to date at once", async (context) => {
  const { gateway } = await startApp(context);
  const { page } = await openDashboard(context, gateway);
  await rowOf(page, "app").waitFor();
  const times = countQuestions(page);
  const setVisibility = (/** @type {string} */ state) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await waitFor("it asks", () => times.length > 0);
  await setVisibility("hidden");
  // A question that is in progress ends.
  await sleep(1500);
  times.length = 0;
  // That nothing happens can only be shown by waiting: four times the interval.
  await sleep(4000);
  assert.equal(times.length, 0);
  await gateway.api.expect(201, "PUT", sluice("meanwhile"), { servers: [] });
  await setVisibility("visible");
  await rowOf(page, "meanwhile").waitFor();
});
