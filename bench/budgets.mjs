/** @typedef {import("./row.mjs").Row} Row */
/** @typedef {import("./writes.mjs").WriteRow} WriteRow */
/** @typedef {import("./changes.mjs").ChangeRow} ChangeRow */
/** @typedef {import("./discovery.mjs").DiscoveryRow} DiscoveryRow */

/** How much longer a write may take among many upstreams than among few. */
const WRITE_BUDGET = 1.5;
/** Microseconds of a worker for one change among many servers. */
const CHANGE_BUDGET = 1000;
/** Percent of one core for checks. */
const PROBE_BUDGET = 10;
/** Milliseconds from a registry's change to the first request that follows it. */
const DISCOVERY_BUDGET = 50;
/** Microseconds for one update of the weights of 1,000 servers. */
const UPDATE_BUDGET = 2000;

/**
 * @typedef {object} Verdict
 * @property {string} what
 * @property {number} value a ratio, or microseconds
 * @property {number} budget
 * @property {boolean} met
 */

/**
 * @param {string} what
 * @param {number} value
 * @param {number} budget
 * @returns {Verdict}
 */
function judge(what, value, budget) {
  return { what, value, budget, met: value <= budget };
}

/** Whether a number of the simulation is within its bound. @param {import("./control/control.mjs").Measure} measure */
export function isWithin({ value, bound, isLeast }) {
  return isLeast ? value >= bound : value <= bound;
}

/**
 * What the simulation of weights by load found, and what an update takes.
 * @param {import("./control/control.mjs").Control} control
 */
function judgeControl({ scenarios, updates }) {
  const simulated = scenarios.map(({ label, measures }) => {
    const missed = measures.filter((measure) => !isWithin(measure));
    return judge(`control: ${label}, bounds missed`, missed.length, 0);
  });
  const timed = updates.map(({ servers, cost }) =>
    judge(`control: weights of ${servers} servers, µs`, cost.median, (UPDATE_BUDGET * servers) / 1000),
  );
  return [...simulated, ...timed];
}

/**
 * The design's budgets, section 5, against what was measured.
 * @param {Row[]} requests
 * @param {ChangeRow[]} changes
 * @param {WriteRow[]} writes
 * @param {import("./probes.mjs").ProbeCost} [probes]
 * @param {DiscoveryRow[]} [discovery]
 * @param {import("./control/control.mjs").Control} [control]
 */
export function judgeAll(requests, changes, writes, probes, discovery = [], control = undefined) {
  const verdicts = [];
  for (const { part, label, servers, ratio, budget } of requests) {
    if (budget === undefined) continue;
    verdicts.push(judge(`${part}: ${label}, ${servers} servers`, ratio.median, budget));
  }
  for (const { label, method, cost } of changes) {
    verdicts.push(judge(`one change live, ${label}, ${method}, µs`, cost.median, CHANGE_BUDGET));
  }
  const fewest = Math.min(...writes.map(({ upstreams }) => upstreams));
  for (const { label, upstreams, elapsedRatio, cpuRatio } of writes) {
    if (upstreams === fewest) continue;
    const what = `${label}, ${upstreams} upstreams to ${fewest}`;
    verdicts.push(judge(`${what}, time`, elapsedRatio.median, WRITE_BUDGET));
    verdicts.push(judge(`${what}, CPU`, cpuRatio.median, WRITE_BUDGET));
  }
  if (probes !== undefined) {
    verdicts.push(judge(`checks of ${probes.servers} servers, % of one core`, probes.percent, PROBE_BUDGET));
  }
  for (const { label, p99 } of discovery) {
    verdicts.push(judge(`${label} to the first request, 99 %, ms`, p99, DISCOVERY_BUDGET));
  }
  return control === undefined ? verdicts : [...verdicts, ...judgeControl(control)];
}

/** @param {Verdict} verdict */
export function verdictLine({ what, value, budget, met }) {
  // Ratios are near their budgets, microseconds are not.
  const digits = budget < 100 ? 3 : 0;
  return `${met ? "met   " : "MISSED"}  ${what}: ${value.toFixed(digits)}, budget ${budget}`;
}
