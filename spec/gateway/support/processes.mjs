/** The processes of one nginx: a process group that ends with the test. */
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { atExit } from "./cleanup.mjs";

/**
 * Functions that cancel the kill of a group at the end of this process, by group.
 * @type {Map<number, () => void>}
 */
const groups = new Map();

/**
 * Signals a process or, with a negative number, a group. Does nothing if it has already ended.
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
 * Starts a program as the leader of a process group. The group is killed when this process ends.
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [environment] additional variables
 * @param {number | "ignore"} [stdout] a descriptor
 */
export function startGroup(program, args, environment = {}, stdout = "ignore") {
  const env = { ...process.env, ...environment };
  const child = spawn(program, args, { stdio: ["ignore", stdout, "pipe"], detached: true, env });
  const group = child.pid;
  if (group !== undefined)
    groups.set(
      group,
      atExit(() => signal(-group, "SIGKILL")),
    );
  return child;
}

/** @param {number} group without processes */
export function forgetGroup(group) {
  groups.get(group)?.();
  groups.delete(group);
}

/**
 * Returns the state, parent and group of a process; undefined if the process does not exist.
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

/** Whether a group has any process, including zombies. @param {number} group */
function hasMembers(group) {
  try {
    process.kill(-group, 0);
    return true;
  } catch (cause) {
    return cause.code !== "ESRCH";
  }
}

/**
 * Returns the children of a process; undefined if the kernel has no list of them.
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
 * Returns the pids of a group, without zombies. While the leader runs, every member is its child. A search in
 * all processes of the machine takes milliseconds of CPU time, and is made only when the leader has ended.
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
