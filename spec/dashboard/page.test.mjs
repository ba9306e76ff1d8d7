/** The dashboard's page: one small file under a strict policy, which tests cannot violate unnoticed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startGateway } from "../gateway/support/gateway.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { assertAccessible, openDashboard, rowOf } from "./support/browser.mjs";

const LARGEST_PAGE = 60 * 1024;

test("the page is one file of at most 60 KB in gzip, and asks no other host for anything", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const response = await fetch(`http://127.0.0.1:${gateway.apiPort}/api/dashboard`);
  const text = await response.text();
  assert.deepEqual(
    [response.status, response.headers.get("Content-Type")],
    [200, "text/html; charset=utf-8"],
  );
  assert.ok(gzipSync(text).length <= LARGEST_PAGE, `${gzipSync(text).length} bytes`);
  const policy = String(response.headers.get("Content-Security-Policy"));
  for (const part of [/default-src 'none'/, /script-src 'sha256-[^']+'/, /style-src [^;]*'sha256-[^']+'/])
    assert.match(policy, part);
  assert.doesNotMatch(policy, /script-src[^;]*'unsafe/);
  /** @type {string[]} */
  const paths = [];
  const { page } = await openDashboard(context, gateway);
  page.on("request", (request) => paths.push(new URL(request.url()).pathname));
  await page.reload();
  await rowOf(page, "app").waitFor();
  for (const path of paths) assert.match(path, /^\/api\/(dashboard$|sluice\/1\/)|^image/);
});

test("a violation of the policy fails a test", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const { page, faults } = await openDashboard(context, gateway);
  await rowOf(page, "app").waitFor();
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'violated'";
    document.body.append(script);
  });
  await waitFor("the violation is noted", () =>
    faults.found.some((text) => text.startsWith("policy: script-src")),
  );
  assert.notEqual(await page.title(), "violated");
  faults.found.length = 0;
});

test("a flaw that keeps people from using the page fails a test", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const { page } = await openDashboard(context, gateway);
  await rowOf(page, "app").waitFor();
  await page.evaluate(() => document.querySelector("input[type=search]")?.removeAttribute("aria-label"));
  await page.evaluate(() => document.querySelector("input[type=search]")?.removeAttribute("placeholder"));
  await assert.rejects(assertAccessible(page, "without a label"), /label/);
});
