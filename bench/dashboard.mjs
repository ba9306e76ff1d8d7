import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { startBackend } from "./gateway.mjs";
import { atRest, schedule } from "./processes.mjs";
import { summarize } from "./statistics.mjs";
import { createUpstreams, newStoringGateway } from "./stored.mjs";

/**
 * How soon the dashboard shows 10,000 upstreams, and what an open page costs its gateway.
 *
 * @typedef {object} DashboardCost
 * @property {number} upstreams
 * @property {import("./statistics.mjs").Summary} opened seconds from the request for the page to its rows
 * @property {number} percent of the worker's time that an open page takes, beyond that of an idle worker
 */

const UPSTREAMS = 10_000;
const OPENINGS = 5;
const SECONDS_OPEN = 30;

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 */
async function open(browser, url) {
  const session = await browser.newContext();
  const page = await session.newPage();
  const began = performance.now();
  await page.goto(url);
  await page.getByText("10,000 upstreams").first().waitFor();
  return { session, seconds: (performance.now() - began) / 1000 };
}

/** Returns the part of its time that a worker uses from some seconds after now on. @param {number} pid */
async function usedPart(pid) {
  await sleep(5000);
  const before = schedule(pid).cpu;
  await sleep(SECONDS_OPEN * 1000);
  return (schedule(pid).cpu - before) / 1e6 / SECONDS_OPEN;
}

/** Measures the dashboard of a gateway with one worker, whose upstreams have no traffic. */
export async function measureDashboard() {
  console.error("dashboard");
  const backend = await startBackend(2);
  const gateway = await newStoringGateway([]);
  gateway.launch();
  const { apiPort } = gateway.place;
  await createUpstreams(apiPort, UPSTREAMS, backend.addresses);
  await gateway.findWorker();
  const url = `http://127.0.0.1:${apiPort}/api/dashboard`;
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  // The first page is not counted: the worker reads all upstreams for it.
  await (await open(browser, url)).session.close();
  const times = [];
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    const { session, seconds } = await open(browser, url);
    times.push(seconds);
    await session.close();
  }
  const idle = await usedPart(gateway.pid);
  const { session } = await open(browser, url);
  const used = await usedPart(gateway.pid);
  await session.close();
  await browser.close();
  await atRest(gateway.pid);
  await gateway.stop();
  gateway.checkLog();
  await backend.stop();
  return { upstreams: UPSTREAMS, opened: summarize(times), percent: (used - idle) * 100 };
}
