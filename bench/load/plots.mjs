import { drawPanels } from "../svg.mjs";
import { gatewaysText, select, SHOWN } from "./goals.mjs";

/** The plots of docs/load.md. */

/** @typedef {import("./load.mjs").Outcome} Outcome */
/** @typedef {import("../svg.mjs").Panel} Panel */
/** @typedef {"p50" | "p99" | "p999" | "imbalance"} Value */

/** Variants are drawn in the colour of their policy. @param {string} policy */
function colorOf(policy) {
  const found = SHOWN.findIndex((name) => name === policy || policy.startsWith(`${name}, `));
  return found < 0 ? SHOWN.length - 1 : found;
}

/** @type {Record<Value, string>} */
const TITLES = {
  p50: "50 %, ms",
  p99: "99 %, ms",
  p999: "99.9 %, ms",
  imbalance: "requests in flight: the most ÷ mean",
};

/** @param {import("./load.mjs").Spread} one @param {import("./load.mjs").Spread} other */
function sum(one, other) {
  return { mean: one.mean + other.mean, min: one.min + other.min, max: one.max + other.max };
}

/** The failed and the late requests, in percent of all. @param {Outcome} outcome */
function errorsOf({ failed, late, requests }) {
  const part = 100 / (requests.mean + failed.mean);
  const { mean, min, max } = sum(failed, late);
  return { mean: mean * part, min: min * part, max: max * part };
}

/**
 * Returns a panel with a line for each policy, along one property of the outcomes.
 * @param {string} title @param {Outcome[]} outcomes @param {"load" | "gateways"} along
 * @param {(outcome: Outcome) => import("./load.mjs").Spread} valueOf @param {boolean} isLogarithmic
 * @returns {Panel}
 */
function linePanel(title, outcomes, along, valueOf, isLogarithmic) {
  const places = [...new Set(outcomes.map((outcome) => outcome[along]))].sort((one, other) => one - other);
  const lines = SHOWN.map((policy, color) => ({
    name: policy,
    color,
    points: select(outcomes, { policy }).map((outcome) => ({
      x: places.indexOf(outcome[along]),
      y: valueOf(outcome),
    })),
  })).filter(({ points }) => points.length > 0);
  return { title, lines, ticks: places.map(String), axis: along, isLogarithmic };
}

/** @param {Outcome[]} all @param {string} scenario @returns {Panel[]} */
function disturbance(all, scenario) {
  const outcomes = select(all, { scenario, gateways: 4 }).filter(({ policy }) => policy !== "round_robin");
  const load = Math.min(...outcomes.map((outcome) => outcome.load));
  const bars = (
    /** @type {(outcome: Outcome) => import("./load.mjs").Spread} */ valueOf,
    /** @type {number} */ digits,
  ) =>
    select(outcomes, { load }).map((outcome) => {
      const value = valueOf(outcome);
      return {
        name: outcome.policy,
        color: colorOf(outcome.policy),
        value,
        text: value.mean.toFixed(digits),
      };
    });
  return [
    { title: `${scenario}, load ${load}: 99 %, ms`, bars: bars(({ p99 }) => p99, 0) },
    { title: `${scenario}: failed and late requests, %`, bars: bars(errorsOf, 2) },
  ];
}

const DISTURBANCES = ["two sinkholes", "black hole", "slow server", "rolling deploy", "moving hot set"];
const COLUMNS = 2;

/** @param {Outcome[]} outcomes @param {number} gateways */
function publishedPlot(outcomes, gateways) {
  const title = `The published testbed, ${gatewaysText(gateways)}, by load`;
  const found = select(outcomes, { scenario: "published", gateways });
  const panels = /** @type {Value[]} */ (["p50", "p99", "p999", "imbalance"]).map((value) =>
    linePanel(TITLES[value], found, "load", (outcome) => outcome[value], value !== "imbalance"),
  );
  return drawPanels(title, panels, COLUMNS);
}

/** @param {Outcome[]} outcomes */
function gatewaysPlot(outcomes) {
  const found = select(outcomes, { scenario: "published", load: 0.9 });
  const panels = /** @type {Value[]} */ (["p50", "p99"]).map((value) =>
    linePanel(TITLES[value], found, "gateways", (outcome) => outcome[value], true),
  );
  return drawPanels("The published testbed at load 0.9, by the number of gateways", panels, COLUMNS);
}

/** @param {Outcome[]} outcomes */
function rampPlot(outcomes) {
  const panels = [1, 4].flatMap((gateways) => {
    const found = select(outcomes, { scenario: "ramp", gateways });
    const title = gatewaysText(gateways);
    return [
      linePanel(`${title}: 99.9 %, ms (late: 5,000)`, found, "load", ({ p999 }) => p999, true),
      linePanel(`${title}: late requests, %`, found, "load", errorsOf, false),
    ];
  });
  return drawPanels("More load than the servers are allocated", panels, COLUMNS);
}

/** @param {Outcome[]} outcomes */
function disturbancesPlot(outcomes) {
  const panels = DISTURBANCES.flatMap((scenario) => disturbance(outcomes, scenario));
  return drawPanels("When something happens to servers, 4 gateways", panels, COLUMNS);
}

/** The plots by the names of their files. @type {Record<string, (outcomes: Outcome[]) => string>} */
const DRAWINGS = {
  "loads.svg": (outcomes) => publishedPlot(outcomes, 20),
  "one_gateway.svg": (outcomes) => publishedPlot(outcomes, 1),
  "gateways.svg": gatewaysPlot,
  "ramp.svg": rampPlot,
  "disturbances.svg": disturbancesPlot,
};
export const PLOTS = Object.keys(DRAWINGS);

/** Draws a plot as SVG. @param {string} name @param {Outcome[]} outcomes */
export function drawPlot(name, outcomes) {
  return DRAWINGS[name](outcomes);
}
