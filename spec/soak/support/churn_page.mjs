/** Judges the measures of a run of churn, and writes them to docs/reliability.md with a plot. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeBlocks } from "../../../bench/page.mjs";
import { drawPanels } from "../../../bench/svg.mjs";
import { root } from "../../../scripts/command.mjs";
import { MEASURES } from "./churn_measures.mjs";

/** @typedef {import("./churn_measures.mjs").Measures} Measures */
/** @typedef {{ name: string, samples: Measures[] }} Phase */

/** The part of a phase that counts as its warm-up. */
const WARM_UP = 0.25;

/** @param {number[]} values */
const medianOf = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

/**
 * Compares the first and the last third of a measure after the warm-up of a phase.
 * @param {Measures[]} samples
 * @param {keyof typeof MEASURES} measure
 */
export function growthOf(samples, measure) {
  const values = samples.slice(Math.ceil(samples.length * WARM_UP)).map((sample) => sample[measure]);
  const third = Math.max(1, Math.floor(values.length / 3));
  const typical = measure === "bytes" ? (/** @type {number[]} */ list) => Math.max(...list) : medianOf;
  const [first, last] = [typical(values.slice(0, third)), typical(values.slice(-third))];
  return { first, last, growth: last / first - 1 };
}

/**
 * @param {Phase[]} phases
 * @returns {string[]} one line for each measure that has grown more than it may
 */
export function problemsOf(phases) {
  return phases.flatMap(({ name, samples }) =>
    Object.entries(MEASURES).flatMap(([measure, { name: what, tolerance }]) => {
      const { first, last, growth } = growthOf(samples, measure);
      if (growth <= tolerance) return [];
      return [`${name}: ${what}: ${first} became ${last}, ${(100 * growth).toFixed(1)} % more`];
    }),
  );
}

/** @param {number} value */
const shown = (value) => value.toLocaleString("en", { maximumFractionDigits: 1 });

/** @param {Phase[]} phases */
export function tableOf(phases) {
  const head = ["measure", ...phases.flatMap(({ name }) => [`${name}: first third`, "last third", "growth"])];
  const rows = Object.entries(MEASURES).map(([measure, { name, unit }]) => {
    const cells = phases.flatMap(({ samples }) => {
      const { first, last, growth } = growthOf(samples, measure);
      return [shown(first), shown(last), `${(100 * growth).toFixed(1)} %`];
    });
    return [unit === "" ? name : `${name}, ${unit}`, ...cells];
  });
  return [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** @param {Phase[]} phases @param {number} minutes */
function plotOf(phases, minutes) {
  const panels = Object.entries(MEASURES).map(([measure, { name, unit }]) => {
    const rounds = phases.flatMap(({ samples }) => samples);
    const step = Math.max(1, Math.ceil(rounds.length / 8));
    const ticks = rounds.map((_, index) => (index % step === 0 ? String(index + 1) : ""));
    let start = 0;
    const lines = phases.map(({ name: phase, samples }, color) => {
      const points = samples.map((sample, index) => {
        const mean = sample[measure];
        return { x: start + index, y: { mean, min: mean, max: mean } };
      });
      start += samples.length;
      return { name: phase, color, points };
    });
    return { title: unit === "" ? name : `${name}, ${unit}`, ticks, axis: "round", lines };
  });
  return drawPanels(`${minutes} minutes of churn`, panels, 2);
}

/**
 * @param {Phase[]} phases
 * @param {number} minutes
 * @param {string} summary
 */
export async function writeChurnPage(phases, minutes, summary) {
  mkdirSync(join(root, "docs/reliability"), { recursive: true });
  writeFileSync(join(root, "docs/reliability/churn.svg"), plotOf(phases, minutes));
  await writeBlocks(join("docs", "reliability.md"), { churn: `${summary}\n\n${tableOf(phases)}` });
}
