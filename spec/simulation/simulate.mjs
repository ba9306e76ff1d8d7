import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { compile } from "../../scripts/build.mjs";
import { root } from "../../scripts/command.mjs";
import { findLuaJit } from "../../scripts/setup.mjs";
import { SETTINGS } from "./mutations.mjs";

/** Runs the simulation (`run.ts`) in as many processes as there are processors. */

export const SCENARIOS = ["one_gateway", "background", "cluster"];

const folder = join(root, "build", "simulation");
/** A process runs so many seeds, and fewer if the first failure ends the run. */
const SEEDS_AT_ONCE = 25;
const SEEDS_UNTIL_FAILURE = 10;

/**
 * @typedef {import("./mutations.mjs").Mutation} Mutation
 * @typedef {object} Run
 * @property {number} runs
 * @property {string[]} failures
 * @property {Map<string, number>} counts
 * @property {number} seconds
 * @property {string} summary
 */

/** Compiles the simulation together with src/. */
export function compileSimulation() {
  if (!compile("spec/simulation/tsconfig.json", folder)) throw new Error("spec/simulation does not compile");
}

/**
 * Runs lines of a scenario and a seed. Returns the answers, each with the lines that follow it.
 * @param {string[]} lines
 * @param {Mutation | undefined} mutation
 */
async function runLines(lines, mutation) {
  const changes = [...SETTINGS, ...(mutation?.changes ?? [])];
  const main = join(folder, "spec", "simulation", "run.lua");
  const child = spawn(findLuaJit() ?? "luajit", [main, JSON.stringify(changes)], {
    cwd: root,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, LUA_PATH: `${folder}/?.lua;${process.env.LUA_PATH ?? ""};` },
  });
  const ended = new Promise((resolve) => child.on("close", resolve).on("error", resolve));
  child.stdin.end(`${lines.join("\n")}\n`);
  /** @type {string[]} */
  const answers = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("  ")) answers[answers.length - 1] += `\n${line}`;
    else answers.push(line);
  }
  const status = await ended;
  if (status !== 0)
    throw new Error(`a process of the simulation ended with ${status} after ${answers.at(-1)}`);
  return answers;
}

/** @param {Map<string, number>} counts @param {string} answer */
function addCounts(counts, answer) {
  for (const [, name, digits] of answer.matchAll(/(\S+)=(\d+)/g))
    counts.set(name, (counts.get(name) ?? 0) + Number(digits));
}

/**
 * Runs seeds of scenarios.
 * @param {string[]} scenarios
 * @param {number[]} seeds
 * @param {{ mutation?: Mutation | undefined, explain?: boolean, stopsEarly?: boolean }} [options]
 *   `explain`: a failure is shrunk and traced; `stopsEarly`: the first failure is enough
 * @returns {Promise<Run>}
 */
export async function simulate(scenarios, seeds, { mutation, explain = false, stopsEarly = false } = {}) {
  const began = Date.now();
  const lines = seeds.flatMap((seed) =>
    scenarios.map((name) => `${name} ${seed}${explain ? " explain" : ""}`),
  );
  const size = stopsEarly ? SEEDS_UNTIL_FAILURE : SEEDS_AT_ONCE;
  const parts = Array.from({ length: Math.ceil(lines.length / size) }, (_, index) =>
    lines.slice(index * size, (index + 1) * size),
  );
  /** @type {Run} */
  const run = { runs: 0, failures: [], counts: new Map(), seconds: 0, summary: "" };
  const work = async () => {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      for (const answer of await runLines(part, mutation)) {
        if (/ has (no such text to replace|this text more than once): /.test(answer)) throw new Error(answer);
        run.runs += 1;
        if (answer.startsWith("ok ")) addCounts(run.counts, answer);
        else run.failures.push(answer);
      }
      if (stopsEarly && run.failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  run.seconds = (Date.now() - began) / 1000;
  const counts = [...run.counts].sort().map(([name, count]) => `${name.replaceAll("_", " ")} ${count}`);
  run.summary = `${run.runs} runs, ${run.failures.length} failed, ${run.seconds.toFixed(0)} s: ${counts.join(", ")}`;
  return run;
}
