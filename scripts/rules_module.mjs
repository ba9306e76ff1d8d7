/** The gateway's compiled rules as a module of the command, so that `sluice validate` runs the same code. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the command calls. */
const entries = ["config.upstream", "api.changes.given"];

/** The rooms of the rules. Others need nginx; the rules import functions of theirs that are not called. */
const rooms = /^resty\.sluice\.(config\.|lib\.|api\.(changes|sluice)\.|api\.(request|precondition)$)/;

/**
 * Returns the Lua of the rules and of everything that they require.
 * @param {string} folder of the compiled Lua
 * @returns {Record<string, string>} by module
 */
export function rulesIn(folder) {
  /** @type {Record<string, string>} */
  const sources = {};
  const add = (module) => {
    const path = join(folder, `${module.replaceAll(".", "/")}.lua`);
    if (!rooms.test(module) || module in sources || !existsSync(path)) return;
    sources[module] = readFileSync(path, "utf8");
    for (const [, required] of sources[module].matchAll(/require\("([^"]+)"\)/g)) add(required);
  };
  for (const entry of entries) add(`resty.sluice.${entry}`);
  return sources;
}

/**
 * The plugin for Vite that provides the module.
 * @param {string} folder of the compiled Lua
 */
export function rulesPlugin(folder) {
  const name = "virtual:rules";
  return {
    name: "sluice-rules",
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load: (id) => (id === `\0${name}` ? `export default ${JSON.stringify(rulesIn(folder))};` : undefined),
  };
}
