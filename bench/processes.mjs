import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */

/**
 * The processor of each role. The gateway has a processor of its own; servers and clients share the others.
 * With a single processor there is no choice.
 */
const processors = { gateway: 1, backend: 0, client: cpus().length > 2 ? 2 : 0 };
const canPin = Object.values(processors).every(
  (processor) => spawnSync("taskset", ["--cpu-list", String(processor), "true"]).status === 0,
);

/** @type {Set<ChildProcess>} */
const servers = new Set();
/** @type {Set<ChildProcess>} */
const clients = new Set();

// Ctrl-C and a failed measurement must not leave processes behind.
process.on("exit", () => {
  for (const child of servers) child.kill("SIGTERM");
  // A stopped process handles no other signal.
  for (const child of clients) child.kill("SIGKILL");
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => process.exit(130));

/** Whether processes are pinned to their processors. */
export function isPinned() {
  return canPin;
}

/**
 * Returns the command line that runs `command` on the processor of its role.
 * @param {keyof typeof processors} role
 * @param {string[]} command
 */
function pinned(role, command) {
  return canPin ? ["taskset", "--cpu-list", String(processors[role]), ...command] : command;
}

/**
 * Starts a server that runs in the foreground.
 * @param {keyof typeof processors} role
 * @param {string[]} command
 */
export function start(role, command) {
  const [program, ...parameters] = pinned(role, command);
  const child = spawn(program, parameters, { stdio: ["ignore", "inherit", "inherit"] });
  servers.add(child);
  child.on("exit", (status, signal) => {
    if (!servers.delete(child)) return;
    console.error(`bench: a server has ended unexpectedly (${status ?? signal}): ${command.join(" ")}`);
    process.exit(1);
  });
  return child;
}

/**
 * Starts a program that sends requests and then ends.
 * @param {string[]} command
 */
export function startClient(command) {
  const [program, ...parameters] = pinned("client", command);
  const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  clients.add(child);
  child.on("exit", () => clients.delete(child));
  return child;
}

/** @param {ChildProcess} child @param {NodeJS.Signals} [signal] */
export async function stop(child, signal = "SIGTERM") {
  servers.delete(child);
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

/** Returns a free port of 127.0.0.1. */
export async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/** Returns the processes that a process has started and that still run. @param {number} pid */
export function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

/**
 * Returns the process id of nginx's only worker.
 * @param {ChildProcess} child
 */
export async function workerOf(child) {
  const { pid } = child;
  for (let attempt = 0; attempt < 3000; attempt += 1) {
    const children = childrenOf(Number(pid));
    if (children.length === 1) return children[0];
    if (children.length > 1)
      throw new Error(`process ${pid} has ${children.length} children, expected one worker`);
    await sleep(20);
  }
  throw new Error(`process ${pid} has no worker`);
}

/**
 * Reads the scheduler's account of a process with one thread, in microseconds. The scheduler counts
 * nanoseconds, while `/proc/<pid>/stat` has only ticks of 10 ms.
 * @param {number} pid
 * @returns {{ cpu: number, waited: number }} the CPU time (user and system), and the time for which the
 *   process was ready to run but another process had the processor
 */
export function schedule(pid) {
  const [cpu, waited] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ").map(Number);
  return { cpu: cpu / 1000, waited: waited / 1000 };
}

/**
 * Waits until a process sleeps. The scheduler's account is complete then.
 * @param {number} pid
 */
export async function atRest(pid) {
  while (!readFileSync(`/proc/${pid}/stat`, "latin1").includes(") S ")) await sleep(0);
}
