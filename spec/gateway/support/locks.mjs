/** Reads the locks of a gateway's workers from the kernel. */
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { atEnd } from "./cleanup.mjs";

/** The byte of the write lock, and the first byte of the locks of slots. */
export const writeLock = 0;
export const firstSlotLock = 17;

const program = fileURLToPath(new URL("hold_locks.lua", import.meta.url));

/** @param {number} pid @returns {number[]} the first bytes of the ranges that a process has locked */
export function locksOf(pid) {
  const lines = readFileSync("/proc/locks", "utf8").split("\n");
  const own = lines.map((line) => /^\d+: POSIX +ADVISORY +WRITE (\d+) \S+ (\d+) /.exec(line));
  return own.filter((found) => Number(found?.[1]) === pid).map((found) => Number(found?.[2]));
}

/** Returns the file of the locks. @param {number} pid of a process of nginx */
function lockFile(pid) {
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
  const found = files.find((path) => readlinkSync(path).startsWith("/memfd:sluice"));
  if (found === undefined) throw new Error(`process ${pid} has no locks`);
  return found;
}

/**
 * Locks some bytes in a separate process, one after the other. The process waits for locks of others.
 * @param {import("node:test").TestContext} context
 * @param {number} pid of a process of nginx
 * @param {number[]} bytes
 */
export function holdLocks(context, pid, bytes) {
  const child = spawn("luajit", [program, lockFile(pid)], { stdio: ["pipe", "pipe", "inherit"] });
  /** @type {Set<number>} */
  const held = new Set();
  createInterface({ input: child.stdout }).on("line", (line) => held.add(Number(line)));
  child.stdin.write(bytes.map((byte) => `${byte}\n`).join(""));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const release = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  atEnd(context, release);
  return { held, release };
}
