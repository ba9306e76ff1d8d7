/**
 * `npm start`: runs two demo application servers, and in front of them the gateway of nginx.conf, until
 * Ctrl-C. `npm start -- --traffic` also sends traffic (traffic.mjs).
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { root, stop } from "./command.mjs";
import { startDemoServer } from "./demo_server.mjs";
import { ensureServer } from "./setup.mjs";
import { startTraffic } from "./traffic.mjs";

const demoPorts = [9001, 9002];
const trafficPort = 8080;
const apiPort = 8081;
/** Of a slow server and of one that fails now and then, with `--traffic`. */
const slowPort = 9011;
const failingPort = 9012;

/** Time for requests in flight to finish at the end, in milliseconds. */
const patience = 5000;

const help = `
The gateway listens on 127.0.0.1:${trafficPort}, and its API on 127.0.0.1:${apiPort}. Press Ctrl-C to stop.

  Dashboard        http://127.0.0.1:${apiPort}/api/dashboard

In another terminal:

  Send traffic     curl http://127.0.0.1:${trafficPort}/
  Add a server     curl -d '{"server":"127.0.0.1:9003"}' http://127.0.0.1:${apiPort}/api/9/http/upstreams/app/servers
  Delete it        curl -X DELETE 'http://127.0.0.1:${apiPort}/api/9/http/upstreams/app/servers/?server=127.0.0.1:9003'
  Monitor          curl http://127.0.0.1:${apiPort}/api/9/http/upstreams

To run the server that is added: node scripts/demo_server.mjs 9003
`;

/** @returns {boolean} whether there is to be traffic */
function readOptions() {
  try {
    return parseArgs({ options: { traffic: { type: "boolean" } } }).values.traffic === true;
  } catch {
    return stop("usage: npm start [-- --traffic]");
  }
}

/**
 * Ends the script if a port is already in use.
 * @param {number} port
 */
async function requireFree(port) {
  const probe = createServer().listen(port, "127.0.0.1");
  await once(probe, "listening").catch((error) => {
    stop(`npm start: could not listen on 127.0.0.1:${port}: ${error.code}`);
  });
  probe.close();
  await once(probe, "close");
}

/**
 * Returns the `user` directive. When root starts nginx, its workers would run as `nobody`, which cannot read
 * a clone in root's home. The owner of this folder can.
 * @returns {string}
 */
function userDirective() {
  if (process.getuid?.() !== 0) return "";
  const owner = spawnSync("stat", ["--format=%U %G", root], { encoding: "utf8" }).stdout.trim();
  return /\bUNKNOWN\b/.test(owner) ? "" : `user ${owner};`;
}

/**
 * Starts nginx in its own process group, because at Ctrl-C the terminal sends a signal to this script's
 * group.
 * @param {import("./server.mjs").Server} server
 */
function startGateway({ binary, globalDirectives }) {
  const directives = `daemon off; ${userDirective()} ${globalDirectives}`;
  return spawn(binary, ["-e", "stderr", "-p", root, "-c", "nginx.conf", "-g", directives], {
    stdio: ["ignore", "inherit", "pipe"],
    detached: true,
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>} whether a server listens on it
 */
function listens(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/**
 * Sends a signal to nginx's whole group: when the master was killed, its workers still use the ports.
 * @param {import("node:child_process").ChildProcess} gateway
 * @param {NodeJS.Signals} signal
 */
function signalGroup(gateway, signal) {
  try {
    process.kill(-gateway.pid, signal);
  } catch {
    // All processes of the group have ended.
  }
}

const hasTraffic = readOptions();
const server = ensureServer();
if (!build()) stop("npm start: src/ does not compile");
const trafficPorts = hasTraffic ? [slowPort, failingPort] : [];
for (const port of [trafficPort, apiPort, ...demoPorts, ...trafficPorts]) await requireFree(port);
mkdirSync(join(root, ".sluice", "state"), { recursive: true });
for (const port of demoPorts) await startDemoServer(port);

const gateway = startGateway(server);
let stopping = false;
let stopTraffic = async () => {};
let complaint = "";
gateway.stderr.setEncoding("utf8").on("data", (text) => (complaint += text));
process.on("exit", () => signalGroup(gateway, "SIGTERM"));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    stopping = true;
    void stopTraffic().finally(() => gateway.kill("SIGQUIT"));
    setTimeout(() => gateway.kill("SIGTERM"), patience).unref();
  });
}
gateway.on("close", () => {
  if (stopping) process.exit(0);
  const reason = complaint.trim().split("\n")[0];
  stop(`npm start: nginx has ended${reason === "" ? "; see .sluice/error.log" : `: ${reason}`}`);
});

while (!stopping && !(await listens(apiPort))) await sleep(50);
if (hasTraffic && !stopping) {
  const ports = { trafficPort, apiPort, goodPorts: demoPorts, slowPort, failingPort };
  stopTraffic = await startTraffic(ports).catch((error) => stop(`npm start: ${error.message}`));
}
if (!stopping) console.log(help);
