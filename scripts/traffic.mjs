/**
 * Gentle traffic for `npm start -- --traffic`, so that a page which watches the gateway shows something at
 * once: requests to the upstream `app` and to an upstream `demo`, which also has a slow server and a server
 * that fails now and then.
 */
import { Agent, request } from "node:http";
import { startDemoServer } from "./demo_server.mjs";

const upstream = "demo";
const paths = [
  "/",
  `/dynamic/${upstream}/`,
  `/dynamic/${upstream}/cart`,
  `/dynamic/${upstream}/search?q=tea`,
];

/** Requests per second. */
const rate = 20;

/** Time for an answer of the API at the end, in milliseconds. */
const patience = 2000;

/** When the failing server fails, in milliseconds: after `begins`, for `lasts`, once in each `every`. */
const usualFailures = { begins: 8000, lasts: 8000, every: 40_000 };

/** Most answers of the slow server take 0.2 s, and few take up to 2 s. */
const slowness = () => 200 + 1800 * Math.random() ** 6;

/**
 * Returns a function that tells whether the failing server fails now.
 * @param {{ begins: number, lasts: number, every: number }} failures
 */
function failsInTurns({ begins, lasts, every }) {
  const started = performance.now() + begins;
  return () => {
    const since = performance.now() - started;
    return since >= 0 && since % every < lasts;
  };
}

/**
 * Sends a request to the API. Throws an error unless it succeeds.
 * @param {number} apiPort
 * @param {string} method
 * @param {object} [body]
 */
async function change(apiPort, method, body) {
  const url = `http://127.0.0.1:${apiPort}/api/sluice/1/upstreams/${upstream}?force=true`;
  const signal = AbortSignal.timeout(patience);
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body), signal });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} of the upstream "${upstream}": ${answer.status} ${text}`);
}

/** Sends requests, one path after the other. Returns a function that stops it. @param {number} port */
function sendRequests(port) {
  const agent = new Agent({ keepAlive: true });
  let turn = 0;
  const timer = setInterval(() => {
    const path = paths[turn % paths.length];
    turn += 1;
    const sent = request({ host: "127.0.0.1", port, path, agent }, (response) => response.resume());
    // The gateway may stop first.
    sent.on("error", () => {}).end();
  }, 1000 / rate);
  return () => {
    clearInterval(timer);
    agent.destroy();
  };
}

/**
 * Starts the two servers, creates the upstream and sends traffic.
 * @param {object} options
 * @param {number} options.trafficPort of the gateway
 * @param {number} options.apiPort of the gateway
 * @param {number[]} options.goodPorts of servers that run already
 * @param {number} options.slowPort
 * @param {number} options.failingPort
 * @param {typeof usualFailures} [options.failures]
 * @returns {Promise<() => Promise<void>>} stops the traffic and deletes the upstream
 */
export async function startTraffic({
  trafficPort,
  apiPort,
  goodPorts,
  slowPort,
  failingPort,
  failures = usualFailures,
}) {
  const servers = [
    await startDemoServer(slowPort, { delay: slowness }),
    await startDemoServer(failingPort, { fails: failsInTurns(failures) }),
  ];
  const ports = [...goodPorts, slowPort, failingPort];
  await change(apiPort, "PUT", {
    health_check: { uri: "/health", interval: "2s", timeout: "2s", fails: 2, passes: 2 },
    servers: ports.map((port) => ({ server: `127.0.0.1:${port}` })),
  });
  const stopRequests = sendRequests(trafficPort);
  return async () => {
    stopRequests();
    await change(apiPort, "DELETE").catch((error) => console.error(`npm start: ${error.message}`));
    for (const server of servers) server.close();
  };
}
