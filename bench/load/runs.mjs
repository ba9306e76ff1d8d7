import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { compile } from "../../scripts/build.mjs";
import { root, runQuietly } from "../../scripts/command.mjs";

/** Runs the simulation, in as many processes as there are processors. */

const folder = join(root, "build", "bench");
const path = `package.path = "${folder}/?.lua;" .. package.path`;
const command = ["-e", path, join(folder, "bench", "load", "simulation.lua")];

/** Compiles the simulation. */
export function compileSimulation() {
  if (!compile("bench/tsconfig.json", folder)) throw new Error("bench/load does not compile");
}

/**
 * Returns the comparisons: scenario, policy, gateways, load and "quick" or "full", with tabs between them.
 * @returns {string[]}
 */
export function listComparisons() {
  const { ok, output } = runQuietly("luajit", [...command, "list"]);
  if (!ok) throw new Error(`the simulation failed: ${output}`);
  return output.trim().split("\n");
}

/**
 * Gives a process one line after the other, and collects its answers.
 * @param {string[]} lines those that no process has yet
 * @param {string[]} answers
 */
async function work(lines, answers) {
  const child = spawn("luajit", command, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("close", resolve).on("error", resolve));
  const next = () => {
    const line = lines.shift();
    if (line === undefined) child.stdin.end();
    else child.stdin.write(`${line}\n`);
  };
  next();
  for await (const answer of createInterface({ input: child.stdout })) {
    answers.push(answer);
    next();
  }
  const status = await ended;
  if (status !== 0) throw new Error(`a process of the simulation ended with ${status}`);
}

/**
 * Runs lines of scenario, policy, gateways, load and seed. Returns them with their outcomes, in any order.
 * @param {string[]} lines
 */
export async function runLines(lines) {
  /** @type {string[]} */
  const answers = [];
  const rest = [...lines];
  await Promise.all(Array.from({ length: availableParallelism() }, () => work(rest, answers)));
  return answers;
}
