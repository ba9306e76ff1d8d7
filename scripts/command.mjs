/** Helpers for running other programs. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/**
 * Ends the script with a message on standard error and status 1.
 * @param {string} message
 * @returns {never}
 */
export function stop(message) {
  console.error(message);
  process.exit(1);
}

/**
 * Returns the path of a program, found as a shell finds it; undefined if there is none. Accepts an absolute
 * path.
 * @param {string} name
 * @returns {string | undefined}
 */
export function findProgram(name) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return (name.startsWith("/") ? [name] : folders.map((folder) => join(folder, name))).find(isProgram);
}

/**
 * @param {string} path
 * @returns {boolean}
 */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Whether a script was started directly and not imported.
 * @param {string} moduleUrl the script's `import.meta.url`
 */
export function isMain(moduleUrl) {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === fileURLToPath(moduleUrl);
}

/**
 * Runs a program in the repository's folder and shows its output.
 * @param {string} program
 * @param {string[]} args
 * @returns {boolean} whether it ended with status 0
 */
export function run(program, args) {
  return spawnSync(program, args, { cwd: root, stdio: "inherit" }).status === 0;
}

/**
 * Runs a program and returns its output.
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {{ ok: boolean, output: string }}
 */
export function runQuietly(program, args, environment = process.env) {
  const done = spawnSync(program, args, { cwd: root, encoding: "utf8", env: environment });
  const output = done.error === undefined ? done.stdout + done.stderr : done.error.message;
  return { ok: done.status === 0, output };
}
