/**
 * `npm run screenshots`: takes pictures of the dashboard for docs/images/, light and dark, in Chromium.
 * A real gateway serves real traffic to application servers of this process, some of which are slow or fail.
 */
import { mkdirSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { makeGateway } from "../spec/gateway/support/gateway.mjs";
import { root, run, stop } from "./command.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";

const folder = join(root, "docs", "images");
const port = 8080;
/** How long traffic flows before the first picture, so that the charts have something to show, in seconds. */
const SECONDS = 150;

/** @param {number} mean */
const exponential = (mean) => -mean * Math.log(1 - Math.random());

/**
 * An application server: its address, its usual time to answer in milliseconds, and the part of its answers
 * that are errors.
 * @typedef {{ host: string, time: number, errors: number, isSick?: boolean }} App
 */

/** @type {Map<string, App>} */
const apps = new Map();

/**
 * @param {number} net the third number of the addresses
 * @param {number} count
 * @param {number} time
 * @param {Partial<App>[]} [differences] of the first servers
 */
function newApps(net, count, time, differences = []) {
  return Array.from({ length: count }, (_, index) => {
    const host = `127.0.${net}.${index + 1}`;
    apps.set(host, { host, time: time * (1 + index / 6), errors: 0.001, ...differences[index] });
    return { server: `${host}:${port}` };
  });
}

const health_check = { uri: "/health", interval: "1s", timeout: "20s" };
const sick = { isSick: true };

/** The upstreams, and the requests to each of them in a second. */
const upstreams = {
  web: { rate: 60, servers: newApps(1, 6, 6), method: "least_conn", health_check },
  checkout: { rate: 22, servers: newApps(2, 5, 14, [{}, {}, sick]), health_check },
  search: {
    rate: 30,
    servers: newApps(3, 8, 30, [{ errors: 0.09 }]).map((server) => ({ ...server, max_fails: 0 })),
    method: "least_time",
    least_time: { measure: "header" },
  },
  payments: {
    rate: 8,
    servers: newApps(4, 4, 45, [sick, sick, sick]),
    health_check,
    panic_threshold: 50,
  },
  media: { rate: 16, servers: newApps(5, 3, 160).map((server) => ({ ...server, max_conns: 40 })) },
  profiles: { rate: 12, servers: newApps(6, 4, 9) },
  catalog: { rate: 35, servers: newApps(7, 6, 4), method: "hash", hash: { key: "$uri", consistent: true } },
  notify: { rate: 4, servers: newApps(8, 2, 20) },
  legacy: { rate: 0, servers: newApps(9, 2, 20).map((server) => ({ ...server, down: true })) },
  billing: {
    rate: 6,
    servers: newApps(10, 3, 25).map((server, index) => ({ ...server, weight: 3 - index })),
  },
  registry: { rate: 0, servers: [], discovery: { file: { path: "/var/lib/registry/servers.json" } } },
};

/** Serves an application at its own address, which only this machine can reach. @param {App} app */
function startApp(app) {
  const server = createServer(async (asked, response) => {
    asked.resume();
    if (asked.url?.startsWith("/health") === true) {
      response.writeHead(app.isSick === true ? 503 : 200).end();
      return;
    }
    await sleep(1 + exponential(app.time));
    const fails = app.isSick === true || Math.random() < app.errors;
    response.writeHead(fails ? 500 : 200).end("x".repeat(200));
  });
  server.keepAliveTimeout = 600_000;
  return new Promise((resolve) => {
    server.listen(port, app.host, () => resolve(server));
  });
}

/**
 * Sends requests at random times until `signal` is aborted.
 * @param {number} to the port of the gateway
 * @param {string} name
 * @param {number} rate
 * @param {AbortSignal} signal
 */
async function sendTraffic(to, name, rate, signal) {
  while (rate > 0 && !signal.aborted) {
    await sleep(exponential(1000 / rate));
    const path = `/to/${name}?${Math.floor(Math.random() * 50)}`;
    request({ host: "127.0.0.1", port: to, path, agent: false }, (response) => response.resume())
      .on("error", () => {})
      .end();
  }
}

/**
 * The pictures: their names, the views, the pages that show them, and the size of the window. A page is open
 * from the beginning, so that its charts are filled.
 * @type {[string, string, "gateway" | "upstream", number, number][]}
 */
const pictures = [
  ["overview", "#/", "gateway", 1360, 860],
  ["upstream", "#/u/checkout", "upstream", 1360, 720],
  ["server", "#/u/checkout/s/2", "upstream", 1360, 860],
  ["narrow", "#/", "gateway", 390, 800],
];

/**
 * Opens a page for all upstreams and one for an upstream.
 * @param {number} apiPort
 * @param {"light" | "dark"} scheme
 * @param {import("playwright-core").Browser} browser
 */
async function openPages(apiPort, scheme, browser) {
  const session = await browser.newContext({ colorScheme: scheme, deviceScaleFactor: 1.5, locale: "en-GB" });
  const [gateway, upstream] = [await session.newPage(), await session.newPage()];
  await gateway.goto(`http://127.0.0.1:${apiPort}/api/dashboard`);
  await upstream.goto(`http://127.0.0.1:${apiPort}/api/dashboard#/u/checkout`);
  return { gateway, upstream };
}

/** @param {Awaited<ReturnType<typeof openPages>>} pages @param {string} scheme */
async function takePictures(pages, scheme) {
  for (const [name, hash, which, width, height] of pictures) {
    const page = pages[which];
    await page.setViewportSize({ width, height });
    await page.evaluate((text) => (location.hash = text), hash);
    await page.getByRole("row").nth(2).waitFor();
    await sleep(3000);
    const path = join(folder, `${name}-${scheme}.png`);
    await page.screenshot({ path });
    console.log(path);
  }
}

/** Runs a gateway for `action`, and then what the spec's helpers would do at the end of a test. */
async function withGateway(action) {
  /** @type {(() => unknown)[]} */
  const endings = [];
  const context = /** @type {any} */ ({
    after: (/** @type {() => unknown} */ ending) => endings.push(ending),
  });
  const seeds = Object.fromEntries(
    Object.entries(upstreams).map(([name, given]) => [name, { ...given, rate: undefined }]),
  );
  const gateway = await makeGateway(context, { upstreams: seeds, http: "lua_socket_log_errors off;" });
  gateway.log.allow(/./);
  try {
    await gateway.start();
    await action(gateway);
  } finally {
    for (const ending of endings) await ending();
  }
}

async function main() {
  ensureTestTools(["chromium"]);
  ensureServer();
  if (!run(process.execPath, [join(root, "scripts", "build.mjs")]))
    stop("screenshots: dist/ could not be built");
  mkdirSync(folder, { recursive: true });
  const servers = await Promise.all([...apps.values()].map(startApp));
  const end = new AbortController();
  await withGateway(async (gateway) => {
    for (const [name, { rate }] of Object.entries(upstreams))
      void sendTraffic(gateway.port, name, rate, end.signal);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    const pages = {
      light: await openPages(gateway.apiPort, "light", browser),
      dark: await openPages(gateway.apiPort, "dark", browser),
    };
    console.log(`sending traffic for ${SECONDS} s`);
    await sleep(SECONDS * 1000);
    for (const [scheme, its] of Object.entries(pages)) await takePictures(its, scheme);
    await browser.close();
    end.abort();
  });
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
}

await main();
