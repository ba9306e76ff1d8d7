/** Running other programs: the little that every script here needs. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/**
 * Ends the script with one line that says why.
 * @param {string} message
 * @returns {never}
 */
export function stop(message) {
  console.error(message);
  process.exit(1);
}

/**
 * The path of a program, as a shell would find it, or undefined. An absolute path is only looked at.
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
 * Whether a script was started by its own name, not imported.
 * @param {string} moduleUrl the script's `import.meta.url`
 */
export function isMain(moduleUrl) {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === fileURLToPath(moduleUrl);
}

/**
 * Runs a program in the repository with its output shown.
 * @param {string} program
 * @param {string[]} args
 * @returns {boolean} whether it ended well
 */
export function run(program, args) {
  return spawnSync(program, args, { cwd: root, stdio: "inherit" }).status === 0;
}

/**
 * Runs a program with its output kept.
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
