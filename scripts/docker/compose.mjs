/** Finds Docker Compose: the plugin, or the program docker-compose of Debian 12. */
import { findProgram, runQuietly } from "../command.mjs";
import { installPackages } from "../debian.mjs";

/** @returns {string[] | undefined} the program and its first arguments; undefined: not installed */
export function findCompose() {
  if (runQuietly("docker", ["compose", "version"]).ok) return ["docker", "compose"];
  return findProgram("docker-compose") === undefined ? undefined : ["docker-compose"];
}

export function ensureCompose() {
  if (findCompose() === undefined) installPackages(["docker-compose"], "The tests need Docker Compose");
}
