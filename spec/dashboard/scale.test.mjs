/** The dashboard with 2,000 servers in one upstream, and with 10,000 upstreams. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { namesIn, openDashboard, rowOf } from "./support/browser.mjs";

/** Time of a frame in the dashboard of an idle machine, and its bound on a busy one, in milliseconds. */
const FRAME = 16;
const BUSY = 6;

/**
 * Scrolls through a page, and returns the times that the page's script, style and layout took in each frame.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<number[]>}
 */
function scrollThrough(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const root = document.documentElement;
        const end = root.scrollHeight - innerHeight;
        /** @type {number[]} */
        const times = [];
        const channel = new MessageChannel();
        let began = 0;
        // A message arrives after the frame: script, style and layout of the frame are done then.
        channel.port1.onmessage = () => {
          times.push(performance.now() - began);
          if (times.length < 150) requestAnimationFrame(step);
          else resolve(times);
        };
        const step = () => {
          began = performance.now();
          scrollTo(0, (end * (times.length % 50)) / 50);
          channel.port2.postMessage("");
        };
        requestAnimationFrame(step);
      }),
  );
}

/** @param {number[]} values @param {number} part */
const quantile = (values, part) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)];

test("2,000 servers scroll and update within a frame", async (context) => {
  const backend = await startBackend(context, { host: "127.0.0.1" });
  const servers = [
    { server: backend.address },
    ...Array.from({ length: 1999 }, (_, number) => ({ server: someAddress(number), down: number % 7 === 0 })),
  ];
  const gateway = await startGateway(context, {
    dict: "32m",
    upstreams: { app: {}, shop: { servers: [{ server: backend.address }] } },
  });
  await gateway.api.expect(200, "PUT", sluice(), { servers });
  startLoad(context, { port: gateway.port, connections: 2, pause: 20, path: "/to/shop" });
  const { page } = await openDashboard(context, gateway, { hash: "#/u/app" });
  const table = page.getByRole("table", { name: "Servers of app" });
  await table.waitFor();
  assert.equal(await table.getAttribute("aria-rowcount"), "2001");
  const rows = await table.locator(".body [role=row]").count();
  assert.ok(rows < 200, `${rows} of 2,000 rows are rendered`);
  const times = await scrollThrough(page);
  const [median, most] = [quantile(times, 0.5), quantile(times, 0.95)];
  context.diagnostic(`frames: median ${median.toFixed(1)} ms, 95 % ${most.toFixed(1)} ms`);
  assert.ok(median < FRAME, `the median is ${median} ms`);
  assert.ok(most < FRAME * BUSY, `95 % take ${most} ms`);
  await page.keyboard.press("/");
  await page.keyboard.type(backend.address);
  await waitFor("one row is left", async () => (await namesIn(page, "Servers of app")).length === 1);
});

test("10,000 upstreams open in seconds, are searched, and cost the page's later questions little", async (context) => {
  const backend = await startBackend(context);
  const servers = [
    { server: backend.address },
    { server: backend.address.replace("127.0.0.1", "127.0.0.2") },
  ];
  const gateway = await startGateway(context, { dict: "64m", upstreams: { app: { servers } }, workers: 1 });
  const { api } = gateway;
  let next = 0;
  const create = async () => {
    while (next < 9_999) {
      const number = next;
      next += 1;
      await api.put(sluice(`tenant-${number}`), { servers });
    }
  };
  await Promise.all(Array.from({ length: 8 }, create));
  // The first answer of a worker reads all upstreams once.
  await api.get("/api/sluice/1/status");
  const began = performance.now();
  const { page } = await openDashboard(context, gateway);
  await rowOf(page, "app").waitFor();
  await page.getByText("10,000 upstreams").first().waitFor();
  const opened = performance.now() - began;
  context.diagnostic(`opened within ${Math.round(opened)} ms`);
  assert.ok(opened < 20_000, `${opened} ms`);
  const times = await scrollThrough(page);
  context.diagnostic(`frames: 95 % ${quantile(times, 0.95).toFixed(1)} ms`);
  assert.ok(quantile(times, 0.5) < FRAME * BUSY);
  await page.keyboard.press("/");
  await page.keyboard.type("tenant-9998");
  await waitFor("one row is left", async () => (await namesIn(page, "Upstreams")).join() === "tenant-9998");
  const answer = await page.waitForResponse((response) => response.url().includes("/status?since="));
  const { upstreams, interval } = await answer.json();
  assert.ok(upstreams.length < 100, `${upstreams.length} summaries have changed`);
  assert.ok(interval >= 1);
});
