/** @typedef {import("./row.mjs").Row} Row */
/** @typedef {import("./writes.mjs").WriteRow} WriteRow */

/** How much longer a write may take among many upstreams than among few. */
const WRITE_BUDGET = 1.5;

/**
 * @typedef {object} Verdict
 * @property {string} what
 * @property {number} ratio
 * @property {number} budget
 * @property {boolean} met
 */

/**
 * @param {string} what
 * @param {number} ratio
 * @param {number} budget
 * @returns {Verdict}
 */
function judge(what, ratio, budget) {
  return { what, ratio, budget, met: ratio <= budget };
}

/**
 * The design's budgets, section 5, against what was measured.
 * @param {Row[]} requests
 * @param {WriteRow[]} writes
 */
export function judgeAll(requests, writes) {
  const verdicts = [];
  for (const { label, servers, ratio, budget } of requests) {
    if (budget !== undefined) verdicts.push(judge(`${label}, ${servers} servers`, ratio.median, budget));
  }
  const fewest = Math.min(...writes.map(({ upstreams }) => upstreams));
  for (const { label, upstreams, elapsedRatio, cpuRatio } of writes) {
    if (upstreams === fewest) continue;
    const what = `${label}, ${upstreams} upstreams to ${fewest}`;
    verdicts.push(judge(`${what}, time`, elapsedRatio.median, WRITE_BUDGET));
    verdicts.push(judge(`${what}, CPU`, cpuRatio.median, WRITE_BUDGET));
  }
  return verdicts;
}

/** @param {Verdict} verdict */
export function verdictLine({ what, ratio, budget, met }) {
  return `${met ? "met   " : "MISSED"}  ${what}: ${ratio.toFixed(2)}, budget ${budget.toFixed(2)}`;
}
