import { cpus, release } from "node:os";
import { findProgram, runQuietly } from "../scripts/command.mjs";
import { versionOf } from "../scripts/server.mjs";
import { ensureServer } from "../scripts/setup.mjs";
import { isPinned } from "./processes.mjs";

/**
 * Returns the first match in a program's output about itself, such as its version.
 * @param {string} program
 * @param {string} option
 * @param {RegExp} pattern
 */
function version(program, option, pattern) {
  return pattern.exec(runQuietly(program, [option]).output)?.[1] ?? "unknown";
}

/** Describes the versions that are measured and the machine. */
export function describeMachine() {
  const haproxy = findProgram("haproxy");
  return {
    commit: runQuietly("git", ["describe", "--always", "--dirty"]).output.trim(),
    server: versionOf(ensureServer()),
    haproxy: haproxy === undefined ? undefined : version(haproxy, "-v", /version (\S+)/),
    processor: cpus()[0].model,
    processors: cpus().length,
    pinned: isPinned(),
    kernel: release(),
    node: process.versions.node,
  };
}
