/** The processes of one nginx: a process group that ends with the test. */
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { atExit } from "./cleanup.mjs";

/** What keeps a group from outliving this process. @type {Map<number, () => void>} */
const groups = new Map();

/**
 * Signals a process or, by a negative number, a group. One that has ended already is fine.
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
export function signal(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if (cause.code !== "ESRCH") throw cause;
  }
}

/**
 * Starts a program as the leader of a process group. Whatever is left of the group when this process ends is
 * killed.
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [environment] added to this process's own
 */
export function startGroup(program, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], detached: true, env });
  const group = child.pid;
  if (group !== undefined)
    groups.set(
      group,
      atExit(() => signal(-group, "SIGKILL")),
    );
  return child;
}

/** @param {number} group of which no process is left */
export function forgetGroup(group) {
  groups.get(group)?.();
  groups.delete(group);
}

/**
 * A process' state, parent and group, or undefined when it is not there.
 * @param {number | string} pid
 */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent, group] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
export function isRunning(pid) {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== "Z";
}

/**
 * @param {number} group
 * @returns {number[]} the pids of a group, zombies left out
 */
export function membersOf(group) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => {
      const stat = statOf(pid);
      return stat?.group === group && stat.state !== "Z";
    })
    .map(Number);
}
