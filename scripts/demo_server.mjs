/**
 * A small application server for demos. It answers every request with its port and the request's path. `npm
 * start` runs two of them; `node scripts/demo_server.mjs 9003` runs a third.
 */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { isMain, stop } from "./command.mjs";

/**
 * @typedef {object} Behaviour
 * @property {() => number} [delay] milliseconds before an answer, except to health checks
 * @property {() => boolean} [fails] whether it answers with 503 now, also to health checks
 */

/**
 * @param {number} port on 127.0.0.1
 * @param {Behaviour} [behaviour]
 * @returns {Promise<import("node:http").Server>} once it listens
 */
export function startDemoServer(port, { delay = () => 0, fails = () => false } = {}) {
  const server = createServer(async (request, response) => {
    request.resume();
    const milliseconds = request.url === "/health" ? 0 : delay();
    if (milliseconds > 0) await sleep(milliseconds);
    response.statusCode = fails() ? 503 : 200;
    response.setHeader("Content-Type", "text/plain");
    response.end(`server ${port}: ${request.method} ${request.url}\n`);
  });
  // Longer than nginx's 60 s, so that nginx closes idle connections. If this server closed one, a request
  // that arrives at the same moment would fail.
  server.keepAliveTimeout = 75_000;
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
  });
}

if (isMain(import.meta.url)) {
  const port = Number(process.argv[2]);
  if (!Number.isInteger(port) || port < 1 || port > 65535) stop("usage: node scripts/demo_server.mjs <port>");
  try {
    await startDemoServer(port);
    console.log(`listening on 127.0.0.1:${port}`);
  } catch (error) {
    stop(`could not listen on 127.0.0.1:${port}: ${error.code}`);
  }
}
