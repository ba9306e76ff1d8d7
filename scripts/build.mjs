/** `npm run build`: compiles src/ to dist/, the Lua that a user copies into OpenResty's site/lualib. */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMain, root, run, stop } from "./command.mjs";
import { ensureNodeModules } from "./setup.mjs";

/**
 * Compiles with TypeScriptToLua.
 * @param {string} project the configuration file
 * @param {string} folder where the Lua goes
 * @returns {boolean} whether there was no error
 */
export function compile(project, folder) {
  const compiler = join(root, "node_modules", "typescript-to-lua", "dist", "tstl.js");
  return run(process.execPath, [compiler, "--project", project, "--outDir", folder]);
}

/**
 * Replaces dist/ with what src/ says now; when that does not compile, dist/ is left as it was.
 * @returns {boolean} whether there was no error
 */
export function build() {
  ensureNodeModules();
  const fresh = join(root, "build", `dist-${process.pid}`);
  const compiled = compile("tstl.json", fresh);
  if (compiled) {
    rmSync(join(root, "dist"), { recursive: true, force: true });
    renameSync(fresh, join(root, "dist"));
  }
  rmSync(fresh, { recursive: true, force: true });
  return compiled;
}

if (isMain(import.meta.url)) {
  if (!build()) stop("build: src/ does not compile");
  console.log("built dist/");
}
