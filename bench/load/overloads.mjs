import { join } from "node:path";
import { compile } from "../../scripts/build.mjs";
import { root, runQuietly } from "../../scripts/command.mjs";
import { judge } from "../budgets.mjs";
import { table } from "../markdown.mjs";

/**
 * The outcome of an overload. Times are in milliseconds.
 *
 * @typedef {object} Outcome
 * @property {number} slots of a server
 * @property {number} gateways
 * @property {string} limit "none" or "adaptive"
 * @property {number} load
 * @property {number} goodput as a part of the capacity
 * @property {number} p50
 * @property {number} p99
 * @property {number} refused as a part of the requests
 * @property {number} failed
 * @property {number} meanLimit
 */

const folder = join(root, "build", "bench");
/** The largest goodput at the capacity as a multiple of that at twice of it, which keeps 90 %. */
export const LARGEST_LOSS = 1.11;
/** The largest 99th percentile at twice the capacity as a multiple of that at a load of 0.8. */
export const LONGEST = 2;

/**
 * Simulates overloads. The result is the same every time.
 * @param {number[]} parameters none, or those of other servers: `overloads.ts`
 * @returns {Outcome[]}
 */
export function measureOverloads(...parameters) {
  console.error("overload");
  if (!compile("bench/tsconfig.json", folder)) throw new Error("bench/load does not compile");
  const path = `package.path = "${folder}/?.lua;" .. package.path`;
  const script = join(folder, "bench", "load", "overloads.lua");
  const { ok, output } = runQuietly("luajit", ["-e", path, script, ...parameters.map(String)]);
  if (!ok) throw new Error(`the simulation failed: ${output}`);
  return output
    .trim()
    .split("\n")
    .map((line) => {
      const [slots, gateways, limit, ...numbers] = line.split("\t");
      const [load, goodput, p50, p99, refused, failed, meanLimit] = numbers.map(Number);
      const setting = { slots: Number(slots), gateways: Number(gateways), limit, load };
      return { ...setting, goodput, p50, p99, refused, failed, meanLimit };
    });
}

/** @param {number} part */
export const percent = (part) => `${(part * 100).toFixed(1)} %`;

/** @param {Outcome[]} outcomes */
export function overloadTable(outcomes) {
  return table(
    [
      "slots",
      "gateways",
      "limit",
      "load",
      "goodput",
      "50 %",
      "99 %",
      "refused",
      "failed or late",
      "mean limit",
    ],
    outcomes.map(({ slots, gateways, limit, load, goodput, p50, p99, refused, failed, meanLimit }) =>
      [
        slots,
        gateways,
        limit,
        load,
        percent(goodput),
        p50.toFixed(0),
        p99.toFixed(0),
        percent(refused),
        percent(failed),
        limit === "none" ? "" : meanLimit.toFixed(1),
      ].join(" | "),
    ),
  );
}

/** @param {Outcome[]} outcomes */
export function judgeOverloads(outcomes) {
  const adaptive = outcomes.filter(({ limit }) => limit === "adaptive");
  return adaptive
    .filter(({ load }) => load === 2)
    .flatMap(({ slots, gateways, goodput, p99 }) => {
      const same = adaptive.filter((one) => one.slots === slots && one.gateways === gateways);
      const [light, full] = [0.8, 1].map((load) => same.find((one) => one.load === load));
      if (light === undefined || full === undefined)
        throw new Error("the simulation has no load of 0.8 and 1");
      const what = `overload: ${slots} slots, ${gateways} gateways`;
      return [
        judge(`${what}: goodput at the capacity ÷ that at twice of it`, full.goodput / goodput, LARGEST_LOSS),
        judge(`${what}: 99 % at twice the capacity ÷ that at 0.8`, p99 / light.p99, LONGEST),
      ];
    });
}
