/** The processor time of a process. */
import { readFileSync } from "node:fs";

/** Linux counts in ticks of 10 ms. */
const MILLISECONDS_A_TICK = 10;

/** Returns two times in the status of a process, as one in milliseconds. */
function timesOf(/** @type {number} */ pid, /** @type {number} */ first) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[first]) + Number(fields[first + 1])) * MILLISECONDS_A_TICK;
}

/** Returns the CPU time of a process, in milliseconds. @param {number} pid */
export const cpuOf = (pid) => timesOf(pid, 11);

/** Returns the CPU time of the children of this process that have ended, in milliseconds. */
export const cpuOfChildren = () => timesOf(process.pid, 13);
