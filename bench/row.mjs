import { ratios, summarize } from "./statistics.mjs";

/** @typedef {import("./statistics.mjs").Summary} Summary */
/** @typedef {import("./round.mjs").Turn} Turn */
/** @typedef {import("./groups.mjs").Group} Group */
/** @typedef {import("./variants.mjs").Variant} Variant */

/**
 * One row of the table.
 *
 * @typedef {object} Row
 * @property {string} part of the bench
 * @property {number} servers
 * @property {string} label
 * @property {string} base
 * @property {number | undefined} budget
 * @property {Summary} cpu CPU time of the worker per request, in microseconds
 * @property {Summary} ratio of `cpu` to that of the base, round by round
 * @property {Summary} requestsPerSecond
 */

/**
 * @param {Group} group
 * @param {Variant} variant
 * @param {Turn[]} turns
 * @param {Turn[]} baseTurns the turns of the base row in the same rounds
 * @returns {Row}
 */
export function makeRow(group, variant, turns, baseTurns) {
  const cpu = turns.map((turn) => turn.cpu);
  const baseCpu = baseTurns.map((turn) => turn.cpu);
  return {
    part: group.part,
    servers: group.servers,
    label: variant.label,
    base: variant.base,
    budget: variant.ours ? group.budget : undefined,
    cpu: summarize(cpu),
    ratio: ratios(cpu, baseCpu),
    requestsPerSecond: summarize(turns.map((turn) => turn.requestsPerSecond)),
  };
}
