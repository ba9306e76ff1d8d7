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

/** Whether a group has any process, zombies included. @param {number} group */
function hasMembers(group) {
  try {
    process.kill(-group, 0);
    return true;
  } catch (cause) {
    return cause.code !== "ESRCH";
  }
}

/**
 * The children of a process as the kernel lists them; undefined where it keeps no such list.
 * @param {number} pid
 */
function childrenOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter((child) => child !== "");
  } catch {
    return undefined;
  }
}

/**
 * The pids of a group, zombies left out. Looking at all processes of the machine takes milliseconds of CPU
 * time, so that it is done only when the leader has ended and others may be left. As long as it runs, every
 * member is its child.
 * @param {number} group
 * @returns {number[]}
 */
export function membersOf(group) {
  if (!hasMembers(group)) return [];
  const own = isRunning(group) ? childrenOf(group) : undefined;
  const pids =
    own === undefined ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [group, ...own];
  return pids
    .filter((pid) => {
      const stat = statOf(pid);
      return stat?.group === group && stat.state !== "Z";
    })
    .map(Number);
}
