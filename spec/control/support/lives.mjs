/** How the processes of a gateway end, and are there again. */
import { waitFor } from "../../gateway/support/wait.mjs";

/** @typedef {import("../../gateway/support/gateway.mjs").Gateway} Gateway */

/** The worker that controls is the one of a configuration that was started first. @param {Gateway} gateway */
const killController = (gateway) => gateway.killWorker(Math.min(...gateway.workers()));

/** @param {Gateway} gateway */
async function reload(gateway) {
  const before = await gateway.reload();
  await waitFor("the old workers end", () => !gateway.workers().some((pid) => before.includes(pid)));
}

/** What shared memory outlives. @type {Record<string, (gateway: Gateway) => Promise<unknown>>} */
export const lives = {
  "a reload": reload,
  "the death of the worker that controls": killController,
};

/** What the state in files outlives. @type {Record<string, (gateway: Gateway) => Promise<unknown>>} */
export const ends = {
  ...lives,
  "a restart": (gateway) => gateway.stop().then(() => gateway.start()),
  "the death of all processes": (gateway) => gateway.killAll().then(() => gateway.start()),
};
