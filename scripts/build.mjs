/**
 * `npm run build`: compiles src/, openapi/ and web/ into dist/, the Lua that users copy into OpenResty's
 * site/lualib.
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
 * Rebuilds dist/ from src/, openapi/ and web/. When the build fails, dist/ stays as it was.
 * @returns {boolean} whether there was no error
 */
export function build() {
  ensureNodeModules();
  const fresh = join(root, "build", `dist-${process.pid}`);
  const built = compile("tstl.json", fresh) && describe(fresh) && addDashboard(fresh);
  if (built) {
    rmSync(join(root, "dist"), { recursive: true, force: true });
    renameSync(fresh, join(root, "dist"));
  }
  rmSync(fresh, { recursive: true, force: true });
  return built;
}

if (isMain(import.meta.url)) {
  if (!build()) stop("build: failed; dist/ is unchanged");
  console.log("built dist/");
}
