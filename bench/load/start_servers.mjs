import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";

/**
 * Starts the servers of a plan in a process of their own, which ends with this one. They know the factors of
 * their speeds as soon as `start` names the time of the start, as `Date.now()` has it.
 * @param {Omit<import("./plan.mjs").Plan, "requests">} plan
 */
export async function startServers({ servers, noise }) {
  const child = fork(join(root, "bench", "load", "real_servers.mjs"));
  child.send({ servers, noise });
  const [ports] = /** @type {[number[]]} */ (await once(child, "message"));
  return {
    ports,
    start: (/** @type {number} */ time) => child.send(time),
    stop: async () => {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}
