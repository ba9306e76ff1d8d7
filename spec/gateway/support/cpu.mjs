/** The processor time of a process. */
import { readFileSync } from "node:fs";

/** Linux counts in ticks of 10 ms. */
const MILLISECONDS_A_TICK = 10;

/** Returns the CPU time of a process, in milliseconds. @param {number} pid */
export function cpuOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_A_TICK;
}
