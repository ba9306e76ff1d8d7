/** Ways to end the processes of a gateway and to start them again. */
import { waitFor } from "../../gateway/support/wait.mjs";

/** @typedef {import("../../gateway/support/gateway.mjs").Gateway} Gateway */

/** Kills all workers, because one of them is the worker that controls the load. @param {Gateway} gateway */
async function killWorkers(gateway) {
  for (const pid of gateway.workers()) await gateway.killWorker(pid);
}

/** @param {Gateway} gateway */
async function reload(gateway) {
  const before = await gateway.reload();
  await waitFor("the old workers end", () => !gateway.workers().some((pid) => before.includes(pid)));
}

/** Events that shared memory survives. @type {Record<string, (gateway: Gateway) => Promise<unknown>>} */
export const lives = {
  "a reload": reload,
  "the death of each worker": killWorkers,
};

/**
 * The events that the saved state survives.
 * @type {Record<string, (gateway: Gateway) => Promise<unknown>>}
 */
export const ends = {
  ...lives,
  "a restart": (gateway) => gateway.stop().then(() => gateway.start()),
  "the death of all processes": (gateway) => gateway.killAll().then(() => gateway.start()),
};
