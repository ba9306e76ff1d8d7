import { cpus, release } from "node:os";
import { findProgram, runQuietly } from "../scripts/command.mjs";
import { ensureServer } from "../scripts/setup.mjs";
import { isPinned } from "./processes.mjs";

/**
 * The first match in what a program prints of itself.
 * @param {string} program
 * @param {string} option
 * @param {RegExp} pattern
 */
function version(program, option, pattern) {
  return pattern.exec(runQuietly(program, [option]).output)?.[1] ?? "unknown";
}

/** What was measured, and on what. */
export function describeMachine() {
  const haproxy = findProgram("haproxy");
  return {
    commit: runQuietly("git", ["describe", "--always", "--dirty"]).output.trim(),
    server: version(ensureServer().binary, "-v", /version: (\S+)/),
    haproxy: haproxy === undefined ? undefined : version(haproxy, "-v", /version (\S+)/),
    processor: cpus()[0].model,
    processors: cpus().length,
    pinned: isPinned(),
    kernel: release(),
    node: process.versions.node,
  };
}
