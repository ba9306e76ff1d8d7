import { judge } from "../budgets.mjs";

/** @typedef {import("../budgets.mjs").Verdict} Verdict */
/** @typedef {import("./load.mjs").Outcome} Outcome */

/** The goals of the method, and what the model must reproduce of published measurements. */

export const METHOD = "least_load";
/** The policies that the summary and the plots compare. Their order gives their colours. */
export const SHOWN = [
  METHOD,
  "least_conn",
  "least_time",
  "Prequal, reports and 0.5 probes",
  "peak EWMA of two",
  "random two least_conn",
  "round_robin, load",
  "round_robin",
];
const PROBES = "least_load, 0.5 probes";

/** The published 99th percentiles at the loads 0.7, 0.9 and 1.05, with 20 gateways. */
export const PUBLISHED = {
  loads: [0.7, 0.9, 1.05],
  gateways: 20,
  /** @type {Record<string, number[]>} */
  p99: {
    "least request of two": [754, 1038, 1407],
    "peak EWMA of two": [368, 447, 662],
    "Prequal, reports and 0.5 probes": [309, 323, 355],
  },
};
/** How far the model may differ from them. */
const TOLERANCE = 0.15;
/** Upper bounds on the 99th percentile at the same loads. @type {Record<string, number[]>} */
const TAILS = { [METHOD]: [Infinity, 323, 355], [PROBES]: [Infinity, 272, 345] };
/** Upper bound on the failed requests of a run with two servers that fail at once. */
const MOST_FAILURES = 536;
/** Upper bound on the times with equal servers, relative to those of `least_conn`. */
const EQUAL_SERVERS = 1.02;
/** The load of the ramp at which round robin has late requests. */
const ROUND_ROBIN_FAILS = 1.03;

/** @param {Outcome[]} outcomes @param {Partial<Outcome>} wanted */
export function select(outcomes, wanted) {
  return outcomes.filter((outcome) =>
    Object.entries(wanted).every(([name, value]) => outcome[/** @type {keyof Outcome} */ (name)] === value),
  );
}

/** @param {Outcome[]} outcomes */
function numbersOfGateways(outcomes) {
  return [...new Set(outcomes.map(({ gateways }) => gateways))];
}

/** @param {number} gateways */
export function gatewaysText(gateways) {
  return gateways === 1 ? "1 gateway" : `${gateways} gateways`;
}

/**
 * Judges the 99th percentiles of the published scenario by a list of bounds for each policy.
 * @param {Outcome[]} outcomes
 * @param {Record<string, number[]>} lists
 * @param {(outcome: Outcome, wanted: number) => Verdict} judgeOne
 */
function judgePublished(outcomes, lists, judgeOne) {
  const { gateways, loads } = PUBLISHED;
  return Object.entries(lists).flatMap(([policy, list]) =>
    select(outcomes, { scenario: "published", policy, gateways })
      .filter(({ load }) => Number.isFinite(list[loads.indexOf(load)]))
      .map((outcome) => judgeOne(outcome, list[loads.indexOf(outcome.load)])),
  );
}

/**
 * Returns the largest ratio of a time of the method to that of `least_conn`.
 * @param {Outcome[]} outcomes @param {string} scenario @param {number} gateways @param {"p50" | "p99"} time
 */
function worstRatio(outcomes, scenario, gateways, time) {
  return Math.max(
    ...select(outcomes, { scenario, policy: METHOD, gateways }).flatMap((outcome) =>
      select(outcomes, { scenario, policy: "least_conn", gateways, load: outcome.load }).map(
        (other) => outcome[time].mean / other[time].mean,
      ),
    ),
  );
}

/** @param {Outcome[]} outcomes @param {string} scenario @param {"p50" | "p99"} time @param {number} bound */
function judgeRatios(outcomes, scenario, time, bound) {
  const measured = select(outcomes, { scenario, policy: METHOD });
  return numbersOfGateways(measured).map((gateways) =>
    judge(
      `${METHOD}, ${scenario}, ${gatewaysText(gateways)}: largest ${time} ÷ that of least_conn`,
      worstRatio(outcomes, scenario, gateways, time),
      bound,
    ),
  );
}

/** @param {Outcome[]} outcomes */
function judgeRamp(outcomes) {
  const ramp = select(outcomes, { scenario: "ramp" });
  const method = select(ramp, { policy: METHOD });
  return numbersOfGateways(method).map((gateways) =>
    judge(
      `${METHOD}, ramp to 1.74, ${gatewaysText(gateways)}: late requests in all runs`,
      Math.max(...select(method, { gateways }).map((outcome) => outcome.late.max)),
      0,
    ),
  );
}

/** Judges what the machines of the ramp were chosen for. @param {Outcome[]} outcomes */
function judgeChoice(outcomes) {
  const turns = select(outcomes, { scenario: "ramp", policy: "round_robin" });
  const failing = turns.filter(({ late: { mean } }) => mean > 0).map(({ load }) => load);
  const what = "model, ramp, round_robin: the first load with late requests, which was put in";
  return judge(what, Math.min(...failing), ROUND_ROBIN_FAILS);
}

/** @param {Outcome[]} outcomes */
function judgeSinkholes(outcomes) {
  return select(outcomes, { scenario: "two sinkholes", policy: METHOD }).map(({ gateways, failed }) =>
    judge(`${METHOD}, two sinkholes, ${gatewaysText(gateways)}: failed`, failed.mean, MOST_FAILURES),
  );
}

/** Judges the model by what was published. @param {Outcome[]} outcomes @returns {Verdict[]} */
export function judgeModel(outcomes) {
  const differences = judgePublished(outcomes, PUBLISHED.p99, ({ policy, load, p99 }, published) =>
    judge(
      `model, ${policy}, load ${load}: difference from the published 99 %`,
      Math.abs(p99.mean / published - 1),
      TOLERANCE,
    ),
  );
  return [...differences, judgeChoice(outcomes)];
}

/** Judges the method. @param {Outcome[]} outcomes @returns {Verdict[]} */
export function judgeMethod(outcomes) {
  return [
    ...judgePublished(outcomes, TAILS, ({ policy, load, gateways, p99 }, bound) =>
      judge(`${policy}, published, ${gatewaysText(gateways)}, load ${load}: 99 %, ms`, p99.mean, bound),
    ),
    ...judgeRatios(outcomes, "published", "p50", 1),
    ...judgeRamp(outcomes),
    ...judgeSinkholes(outcomes),
    ...judgeRatios(outcomes, "4 equal servers", "p50", EQUAL_SERVERS),
    ...judgeRatios(outcomes, "4 equal servers", "p99", EQUAL_SERVERS),
  ];
}
