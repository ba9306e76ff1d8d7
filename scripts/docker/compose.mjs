/** Docker Compose: the plugin of today, or Debian 12's program. */
import { findProgram, runQuietly } from "../command.mjs";
import { installPackages } from "../debian.mjs";

/** @returns {string[] | undefined} the program and its first arguments; undefined: it is not there */
export function findCompose() {
  if (runQuietly("docker", ["compose", "version"]).ok) return ["docker", "compose"];
  return findProgram("docker-compose") === undefined ? undefined : ["docker-compose"];
}

export function ensureCompose() {
  if (findCompose() === undefined) installPackages(["docker-compose"], "The tests need Docker Compose");
}
