import { loadavg } from "node:os";
import { judge } from "../budgets.mjs";
import { table } from "../markdown.mjs";
import { LARGEST_LOSS, LONGEST, measureOverloads, percent } from "./overloads.mjs";
import { LOADS, measureRealOverloads, SETTING } from "./real_overloads.mjs";

/** @typedef {import("./overloads.mjs").Outcome} Outcome */
/** @typedef {import("./real_overloads.mjs").Real} Real */
/** @typedef {{ real: Real[], simulated: Outcome[], machineLoad: number }} Confirmed */

/**
 * Measures overloads of real processes and simulates them.
 * @param {boolean} isQuick
 * @returns {Promise<Confirmed>}
 */
export async function confirmOverloads(isQuick) {
  const { servers, slots, work } = SETTING;
  const [machineLoad] = loadavg();
  const simulated = measureOverloads(servers, slots, work, ...LOADS);
  return { real: await measureRealOverloads(isQuick), simulated, machineLoad };
}

/** @param {Confirmed} confirmed */
export function realOverloadText({ real, simulated, machineLoad }) {
  const rows = real.map(({ limit, load, goodput, p50, p99, refused, failed, delay }) => {
    const model = simulated.find((one) => one.limit === limit && one.load === load);
    const models = model === undefined ? ["", ""] : [percent(model.goodput), model.p99.toFixed(0)];
    const shares = [percent(refused), percent(failed)];
    const times = [p50.toFixed(0), p99.toFixed(0)];
    return [limit, load, percent(goodput), models[0], ...times, models[1], ...shares, delay.toFixed(1)].join(
      " | ",
    );
  });
  const heads = ["limit", "load", "goodput", "simulated", "50 %", "99 %", "simulated"];
  return [
    `Real processes: nginx with 4 workers, ${SETTING.servers} servers with ${SETTING.slots} slots, and ` +
      `${(SETTING.work * 1000).toFixed(0)} ms of work on average. The load average of the machine was ` +
      `${machineLoad.toFixed(1)} at the start.`,
    table([...heads, "refused", "failed or late", "client late, ms"], rows),
  ].join("\n\n");
}

/** @param {Confirmed} confirmed */
export function judgeRealOverloads({ real }) {
  const limits = [...new Set(real.map(({ limit }) => limit))].filter((limit) => limit !== "none");
  return limits.flatMap((limit) => {
    const [light, full, double] = LOADS.map((load) =>
      real.find((one) => one.limit === limit && one.load === load),
    );
    if (light === undefined || full === undefined || double === undefined)
      throw new Error(`${limit}: not measured`);
    const what = `real overload: ${limit}`;
    return [
      judge(
        `${what}: goodput at the capacity ÷ that at twice of it`,
        full.goodput / double.goodput,
        LARGEST_LOSS,
      ),
      judge(`${what}: 99 % at twice the capacity ÷ that at 0.8`, double.p99 / light.p99, LONGEST),
    ];
  });
}
