/**
 * `npm run build`: compiles src/, openapi/ and web/ into dist/, the Lua that users copy into OpenResty's
 * site/lualib, and cli/ into bin/, the command `sluice`.
 */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMain, root, run, stop } from "./command.mjs";
import { ensureNodeModules } from "./setup.mjs";

/**
 * Compiles with TypeScriptToLua.
 * @param {string} project the configuration file
 * @param {string} folder for the Lua
 * @returns {boolean} whether there was no error
 */
export function compile(project, folder) {
  const compiler = join(root, "node_modules", "typescript-to-lua", "dist", "tstl.js");
  return run(process.execPath, [compiler, "--project", project, "--outDir", folder]);
}

/**
 * Adds the OpenAPI description of the HTTP API.
 * @param {string} folder of the compiled Lua
 * @returns {boolean} whether there was no error
 */
function describe(folder) {
  return run(process.execPath, [join(root, "scripts", "openapi.mjs"), folder]);
}

/**
 * Adds the dashboard.
 * @param {string} folder of the compiled Lua
 * @returns {boolean} whether there was no error
 */
function addDashboard(folder) {
  return run(process.execPath, [join(root, "scripts", "build_web.mjs"), folder]);
}

/**
 * Builds the command `sluice`, which contains rules of the gateway.
 * @param {string} rules the folder of the compiled Lua
 * @param {string} folder for the command
 * @returns {boolean} whether there was no error
 */
function buildCommand(rules, folder) {
  return run(process.execPath, [join(root, "scripts", "build_cli.mjs"), rules, folder]);
}

/**
 * Replaces a folder of the repository.
 * @param {string} fresh
 * @param {string} name
 */
function replace(fresh, name) {
  rmSync(join(root, name), { recursive: true, force: true });
  renameSync(fresh, join(root, name));
}

/**
 * Rebuilds dist/ from src/, openapi/ and web/, and bin/ from cli/. When the build fails, both stay as they
 * were.
 * @returns {boolean} whether there was no error
 */
export function build() {
  ensureNodeModules();
  const [dist, bin] = ["dist", "bin"].map((name) => join(root, "build", `${name}-${process.pid}`));
  const built = compile("tstl.json", dist) && describe(dist) && addDashboard(dist) && buildCommand(dist, bin);
  if (built) {
    replace(dist, "dist");
    replace(bin, "bin");
  }
  for (const fresh of [dist, bin]) rmSync(fresh, { recursive: true, force: true });
  return built;
}

if (isMain(import.meta.url)) {
  if (!build()) stop("build: failed; dist/ and bin/ are unchanged");
  console.log("built dist/ and bin/");
}
