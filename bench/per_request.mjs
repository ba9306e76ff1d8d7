import { findProgram } from "../scripts/command.mjs";
import { waitUntilServing } from "./client.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { runRound } from "./round.mjs";
import { makeRow } from "./row.mjs";
import { tiny } from "./traffic.mjs";

/** @typedef {import("./round.mjs").Turn} Turn */
/** @typedef {import("./groups.mjs").Group} Group */
/** @typedef {import("./variants.mjs").Variant} Variant */

/** Warm-up: opens a connection to each server and lets LuaJIT compile. */
const WARM_UP_SECONDS = 2;
/** Upper bound on the additional rounds that replace disturbed ones, as a share of all rounds. */
const MOST_EXTRA = 0.5;
/** With fewer undisturbed rounds than this, disturbed rounds are used too. */
const FEWEST_ROUNDS = 3;

/**
 * @param {Variant} variant
 * @param {string[]} addresses
 * @param {Group} group
 */
async function startVariant({ program, configuration }, addresses, { keepalive, reports, traffic = tiny }) {
  const isSecure = traffic.protocol !== "HTTP/1.1";
  const gateway = await newGateway(program, configuration, addresses, keepalive, { reports, isSecure });
  gateway.launch();
  await waitUntilServing(gateway.place.port);
  await gateway.findWorker();
  return gateway;
}

/**
 * @param {import("./gateway.mjs").Gateway[]} gateways
 * @param {import("./traffic.mjs").Traffic | undefined} traffic
 * @param {{ rounds: number, seconds: number }} options
 */
async function runRounds(gateways, traffic, { rounds, seconds }) {
  await runRound(gateways, WARM_UP_SECONDS, traffic);
  /** @type {Turn[][]} */
  const all = [];
  const isQuiet = (/** @type {Turn[]} */ turns) => turns.every(({ disturbed }) => !disturbed);
  while (all.filter(isQuiet).length < rounds && all.length < rounds * (1 + MOST_EXTRA)) {
    all.push(await runRound(gateways, seconds, traffic));
  }
  const quiet = all.filter(isQuiet);
  return { total: all.length, quiet: quiet.length, used: quiet.length < FEWEST_ROUNDS ? all : quiet };
}

/**
 * Measures the rows of a group side by side. Programs that are not installed are left out.
 * @param {Group} group
 * @param {{ rounds: number, seconds: number }} options
 */
export async function measureGroup(group, options) {
  const variants = group.variants.filter(({ program }) => program === "nginx" || findProgram(program));
  const backend = await startBackend(group.servers, group.reports, group.traffic?.bytes);
  const gateways = [];
  for (const variant of variants) {
    gateways.push(await startVariant(variant, backend.addresses, group));
  }
  console.error(`${group.part}: ${group.servers} servers, ${variants.length} gateways`);
  const { total, quiet, used } = await runRounds(gateways, group.traffic, options);
  for (const gateway of gateways) {
    gateway.checkLog();
    await gateway.stop();
  }
  await backend.stop();
  const turnsOf = (/** @type {string} */ label) => {
    const place = variants.findIndex((variant) => variant.label === label);
    return used.map((turns) => turns[place]);
  };
  const rows = variants.map((variant) =>
    makeRow(group, variant, turnsOf(variant.label), turnsOf(variant.base)),
  );
  return { servers: group.servers, rounds: { total, quiet, used: used.length }, rows };
}
