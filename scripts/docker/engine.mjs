/** Uses the Docker engine of this machine, or starts one that ends with the script. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram, runQuietly, stop } from "../command.mjs";
import { installPackages } from "../debian.mjs";

/** Time for an engine to start or to end, in milliseconds. */
const patience = 60_000;

/** A kernel setting that dockerd switches on. */
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";

/**
 * Runs docker. Ends the script when docker fails.
 * @param {string[]} args
 * @returns {string} its output
 */
export function docker(...args) {
  const { ok, output } = runQuietly("docker", args);
  return ok ? output.trim() : stop(`${output.trim()}\ndocker ${args[0]} failed`);
}

/** Returns the reason why no engine answers; undefined if one does. */
export function engineProblem() {
  if (findProgram("docker") === undefined) return "docker is not installed";
  const { ok, output } = runQuietly("docker", ["version", "--format", "{{.Server.Version}}"]);
  return ok ? undefined : `no Docker engine answers: ${output.trim().split("\n").at(-1)}`;
}

/** Returns the path of the engine's socket. An engine without one is not on this machine. */
export function engineSocket() {
  return (process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock").replace(/^unix:\/\//, "");
}

/** @param {string} name */
export function hasImage(name) {
  return runQuietly("docker", ["image", "inspect", name]).ok;
}

/** Finds an engine, or starts one in a temporary folder, which ends with this script. */
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
    // In its own process group, so that Ctrl-C does not end it before this script's containers.
    detached: true,
  });
  process.on("exit", () => {
    if (engine.exitCode === null) endEngine(engine);
    forgetMounts(folder);
    // The chains in iptables stay, as after any dockerd, because others may have changed the tables since.
    if (!hadBridge) runQuietly("ip", ["link", "delete", "docker0"]);
    writeFileSync(FORWARDING, forwarding);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
  engine.unref();
  return engine;
}

/**
 * Ends the engine. The event loop has ended when a script exits, so the process is not reaped and stays a
 * zombie.
 * @param {import("node:child_process").ChildProcess} engine
 */
function endEngine(engine) {
  engine.kill("SIGTERM");
  const start = Date.now();
  const status = () => readFileSync(`/proc/${engine.pid}/status`, "utf8");
  while (Date.now() - start < patience && !/^State:\tZ/m.test(status())) runQuietly("sleep", ["0.1"]);
}

/** Unmounts the folders that dockerd leaves mounted. @param {string} folder */
function forgetMounts(folder) {
  const places = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const place of places.filter((path) => path.startsWith(`${folder}/`)))
    runQuietly("umount", ["-l", place]);
}
