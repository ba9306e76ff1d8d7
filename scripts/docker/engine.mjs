/** The Docker engine: one that answers, or else one of our own, which ends with the script. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram, runQuietly, stop } from "../command.mjs";
import { installPackages } from "../debian.mjs";

/** How long an engine may take to start or to end, in milliseconds. */
const patience = 60_000;

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

/**
 * Finds an engine, or starts one in a folder of its own, with which all that it has ends.
 * @returns {Promise<() => Promise<void>>} ends what was started
 */
export async function ensureEngine() {
  if (engineProblem() === undefined) return async () => {};
  if (findProgram("dockerd") === undefined || findProgram("docker") === undefined)
    installPackages(["docker.io"], "The tests need a Docker engine");
  if (process.getuid?.() !== 0) stop(`Only root can start dockerd, and ${engineProblem()}`);
  return startEngine();
}

async function startEngine() {
  console.log("Starting dockerd");
  const folder = mkdtempSync(join(tmpdir(), "sluice-docker-"));
  const host = `unix://${folder}/docker.sock`;
  const log = join(folder, "log");
  const options = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")];
  const places = ["--pidfile", join(folder, "pid"), "--host", host];
  const output = openSync(log, "w");
  const engine = spawn("dockerd", [...options, ...places], {
    stdio: ["ignore", output, output],
    detached: true,
  });
  const end = async () => {
    if (engine.exitCode === null) {
      engine.kill("SIGTERM");
      await Promise.race([once(engine, "exit"), sleep(patience, undefined, { ref: false })]);
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.env.DOCKER_HOST = host;
  const start = Date.now();
  while (engineProblem() !== undefined) {
    if (engine.exitCode !== null || Date.now() - start > patience) {
      const reason = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").at(-1) : "";
      await end();
      stop(`could not start dockerd: ${reason}`);
    }
    await sleep(200);
  }
  return end;
}
