import { valueText } from "../budgets.mjs";
import { table } from "../markdown.mjs";
import { gatewaysText, PUBLISHED, select, SHOWN } from "./goals.mjs";

/** The tables of docs/load.md. */

/** @typedef {import("./load.mjs").Outcome} Outcome */
/** @typedef {import("./load.mjs").Spread} Spread */

/** @param {Spread} spread @param {number} [digits] */
function spreadText({ mean, min, max }, digits = 0) {
  const text = mean.toFixed(digits);
  return min === max ? text : `${text} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** @param {Outcome} outcome */
function row({ policy, load, p50, p99, p999, failed, late, imbalance }) {
  return [
    policy,
    load,
    ...[p50, p99, p999, failed, late].map((spread) => spreadText(spread)),
    spreadText(imbalance, 2),
  ].join(" | ");
}

const HEADS = ["policy", "load", "50 %", "99 %", "99.9 %", "failed", "late", "max ÷ mean"];

/** Returns all outcomes, in a table for each scenario and number of gateways. @param {Outcome[]} outcomes */
export function numberTables(outcomes) {
  const titles = new Map(
    outcomes.map(({ scenario, gateways }) => [
      `${scenario}, ${gatewaysText(gateways)}`,
      { scenario, gateways },
    ]),
  );
  return [...titles]
    .map(([title, wanted]) => `### ${title}\n\n${table(HEADS, select(outcomes, wanted).map(row))}`)
    .join("\n\n");
}

/** Returns a table of the model and the published measurements. @param {Outcome[]} outcomes */
export function modelTable(outcomes) {
  const { gateways, loads, p99 } = PUBLISHED;
  const rows = Object.entries(p99).flatMap(([policy, published]) =>
    select(outcomes, { scenario: "published", policy, gateways }).map((outcome) => {
      const wanted = published[loads.indexOf(outcome.load)];
      const difference = (outcome.p99.mean / wanted - 1) * 100;
      const sign = difference < 0 ? "−" : "+";
      return [
        policy,
        outcome.load,
        wanted,
        spreadText(outcome.p99),
        `${sign}${Math.abs(difference).toFixed(0)} %`,
      ].join(" | ");
    }),
  );
  return table(["policy", "load", "published", "model", "difference"], rows);
}

/** Returns a table of goals. @param {import("../budgets.mjs").Verdict[]} verdicts */
export function goalTable(verdicts) {
  return table(
    ["goal", "simulated", "at most", "result"],
    verdicts.map((verdict) =>
      [verdict.what, valueText(verdict), verdict.budget, verdict.met ? "reached" : "**missed**"].join(" | "),
    ),
  );
}

/** The situations of the summary: how they are named, and where they are found. */
const SITUATIONS = /** @type {const} */ ([
  ["published, 1 gateway", { scenario: "published", gateways: 1, load: 0.9 }],
  ["published, 4 gateways", { scenario: "published", gateways: 4, load: 0.9 }],
  ["published, 20 gateways", { scenario: "published", gateways: 20, load: 0.9 }],
  ["ramp, load 1.74, 1 gateway", { scenario: "ramp", gateways: 1, load: 1.74 }],
  ["ramp, load 1.74", { scenario: "ramp", gateways: 4, load: 1.74 }],
  ["slow server", { scenario: "slow server", gateways: 4, load: 0.7 }],
  ["rolling deploy", { scenario: "rolling deploy", gateways: 4, load: 0.7 }],
  ["moving hot set", { scenario: "moving hot set", gateways: 4, load: 1.05 }],
  ["4 equal servers", { scenario: "4 equal servers", gateways: 4, load: 0.9 }],
  ["100 servers", { scenario: "100 servers", gateways: 4, load: 0.9 }],
]);

/** Returns the 50th and 99th percentiles of the policies in some situations. @param {Outcome[]} outcomes */
export function summaryTable(outcomes) {
  const rows = SITUATIONS.map(([name, wanted]) => {
    const cells = SHOWN.map((policy) => {
      const [found] = select(outcomes, { ...wanted, policy });
      return found === undefined ? "" : `${found.p50.mean.toFixed(0)} / ${found.p99.mean.toFixed(0)}`;
    });
    return [name, ...cells].join(" | ");
  });
  return table(["50 % / 99 %, ms", ...SHOWN], rows);
}
