/** The Docker engine: one that answers, or else one of our own, which ends with the script. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram, runQuietly, stop } from "../command.mjs";
import { installPackages } from "../debian.mjs";

/** How long an engine may take to start or to end, in milliseconds. */
const patience = 60_000;

/** Which dockerd switches on. */
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";

/**
 * Runs docker; ends the script when it fails.
 * @param {string[]} args
 * @returns {string} what it printed
 */
export function docker(...args) {
  const { ok, output } = runQuietly("docker", args);
  return ok ? output.trim() : stop(`${output.trim()}\ndocker ${args[0]} failed`);
}

/** Why no engine answers; undefined: one does. */
export function engineProblem() {
  if (findProgram("docker") === undefined) return "there is no docker";
  const { ok, output } = runQuietly("docker", ["version", "--format", "{{.Server.Version}}"]);
  return ok ? undefined : `no Docker engine answers: ${output.trim().split("\n").at(-1)}`;
}

/** @param {string} name */
export function hasImage(name) {
  return runQuietly("docker", ["image", "inspect", name]).ok;
}

/** Finds an engine, or starts one in a folder of its own, which ends with this script. */
export async function ensureEngine() {
  if (engineProblem() === undefined) return;
  if (["dockerd", "docker", "ip"].some((program) => findProgram(program) === undefined))
    installPackages(["docker.io", "iproute2"], "The tests need a Docker engine");
  if (process.getuid?.() !== 0) stop(`Only root can start dockerd, and ${engineProblem()}`);
  console.log("Starting dockerd");
  const folder = mkdtempSync(join(tmpdir(), "sluice-docker-"));
  const engine = startEngine(folder);
  process.env.DOCKER_HOST = `unix://${folder}/docker.sock`;
  const start = Date.now();
  while (engineProblem() !== undefined) {
    if (engine.exitCode !== null || Date.now() - start > patience) {
      const reason = readFileSync(join(folder, "log"), "utf8").trim().split("\n").at(-1);
      stop(`could not start dockerd: ${reason}`);
    }
    await sleep(200);
  }
}

/** @param {string} folder */
function startEngine(folder) {
  const hadBridge = existsSync("/sys/class/net/docker0");
  const forwarding = readFileSync(FORWARDING, "utf8");
  const log = openSync(join(folder, "log"), "w");
  const places = { "data-root": "data", "exec-root": "exec", pidfile: "pid" };
  const options = Object.entries(places).map(([option, name]) => `--${option}=${join(folder, name)}`);
  const engine = spawn("dockerd", [...options, `--host=unix://${folder}/docker.sock`], {
    stdio: ["ignore", log, log],
    // At Ctrl-C the terminal signals our group: it is to end after this script's containers.
    detached: true,
  });
  process.on("exit", () => {
    if (engine.exitCode === null) endEngine(engine);
    forgetMounts(folder);
    // Its chains in iptables stay, as after any dockerd: others may have changed the tables meanwhile.
    if (!hadBridge) runQuietly("ip", ["link", "delete", "docker0"]);
    writeFileSync(FORWARDING, forwarding);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
  engine.unref();
  return engine;
}

/**
 * Ends it without the event loop, which is over when a script exits: so it stays a zombie.
 * @param {import("node:child_process").ChildProcess} engine
 */
function endEngine(engine) {
  engine.kill("SIGTERM");
  const start = Date.now();
  const status = () => readFileSync(`/proc/${engine.pid}/status`, "utf8");
  while (Date.now() - start < patience && !/^State:\tZ/m.test(status())) runQuietly("sleep", ["0.1"]);
}

/** What dockerd leaves mounted below its folder. @param {string} folder */
function forgetMounts(folder) {
  const places = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const place of places.filter((path) => path.startsWith(`${folder}/`)))
    runQuietly("umount", ["-l", place]);
}
