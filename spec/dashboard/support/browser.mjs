/** Debian's Chromium, with pages that show the dashboard of a gateway. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { atEnd } from "../../gateway/support/cleanup.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {Promise<import("playwright-core").Browser> | undefined} */
let browser;

/** Starts one browser for all tests of a file. */
function theBrowser() {
  // Tests run as root, for whom Chromium has no sandbox.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
  browser ??= chromium.launch({ executablePath: "/usr/bin/chromium", args });
  return browser;
}

after(async () => (await browser)?.close());

/** Time that a busy machine may take until the page shows something, in milliseconds. */
const PATIENCE = 30_000;

/**
 * @typedef {object} Options
 * @property {string} [hash] of the URL
 * @property {"light" | "dark"} [scheme]
 * @property {{ width: number, height: number }} [viewport]
 * @property {string} [token] that was entered before
 * @property {RegExp[]} [allowed] messages in the browser's console that the test provokes
 * @property {string} [path] of the page
 * @property {number} [port] of the gateway
 */

/** What a page must not do. */
class Faults {
  /** @type {string[]} */
  found = [];

  /** @param {Page} page @param {string} host @param {RegExp[]} allowed */
  constructor(page, host, allowed) {
    page.on("pageerror", (error) => this.found.push(`error: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !allowed.some((pattern) => pattern.test(text)))
        this.found.push(`console: ${text}`);
    });
    page.on("request", (request) => {
      const { protocol, host: other } = new URL(request.url());
      if (protocol !== "data:" && other !== host)
        this.found.push(`a request to another host: ${request.url()}`);
    });
  }

  /** Notes violations of the Content-Security-Policy, which a page may swallow. @param {Page} page */
  async watchPolicy(page) {
    await page.exposeFunction("noteViolation", (/** @type {string} */ text) =>
      this.found.push(`policy: ${text}`),
    );
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
        // @ts-expect-error the function above
        window.noteViolation(`${violatedDirective} ${blockedURI} ${sample}`);
      });
    });
  }

  assertNone() {
    assert.deepEqual(this.found, []);
  }
}

/**
 * Opens the dashboard of a gateway. When the test ends, nothing may have gone wrong in the page.
 * @param {import("node:test").TestContext} context
 * @param {{ apiPort: number }} gateway
 * @param {Options} [options]
 */
export async function openDashboard(context, gateway, options = {}) {
  const {
    hash = "",
    scheme = "light",
    viewport = { width: 1280, height: 800 },
    token,
    allowed = [],
  } = options;
  const host = `127.0.0.1:${options.port ?? gateway.apiPort}`;
  const session = await (
    await theBrowser()
  ).newContext({
    colorScheme: scheme,
    viewport,
    reducedMotion: "reduce",
    locale: "en-GB",
  });
  session.setDefaultTimeout(PATIENCE);
  const page = await session.newPage();
  const faults = new Faults(page, host, allowed);
  atEnd(context, async () => {
    await session.close();
    faults.assertNone();
  });
  await faults.watchPolicy(page);
  if (token !== undefined)
    await page.addInitScript((text) => sessionStorage.setItem("sluice-token", text), token);
  await page.goto(`http://${host}${options.path ?? "/api/dashboard"}${hash}`);
  return { page, faults };
}

/** The row of an upstream or of a server. @param {Page} page @param {string} text in its link */
export function rowOf(page, text) {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name: text, exact: true }) });
}

/**
 * Returns the texts of the links of a table's rows, in order.
 * @param {Page} page @param {string} label of the table
 */
export function namesIn(page, label) {
  return page.getByRole("table", { name: label, exact: true }).locator(".body .title").allTextContents();
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * Asserts that axe-core finds nothing wrong.
 * @param {Page} page
 * @param {string} what names the view
 */
export async function assertAccessible(page, what) {
  // A script of the page's own could not add this one: the policy forbids it.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: `${axe}; undefined` });
  // @ts-expect-error axe is there now
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  await session.detach();
  const told = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`),
  }));
  assert.deepEqual(told, [], what);
}
