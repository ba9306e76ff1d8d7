/**
 * Builds the command `sluice` from cli/: one file for Node with all libraries and with the gateway's rules.
 * `node scripts/build_cli.mjs dist bin` writes it into bin/.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { isMain, root, stop } from "./command.mjs";
import { rulesPlugin } from "./rules_module.mjs";

const fileName = "sluice.mjs";

/** A setting of fengari: numbers become texts as in LuaJIT, without ".0". */
const fengariSettings = JSON.stringify({ LUA_COMPAT_FLOATSTRING: true });

/**
 * Runs Vite.
 * @param {string} rules the folder of the compiled Lua
 */
async function bundle(rules) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { output } = await build({
    configFile: false,
    root: join(root, "cli"),
    logLevel: "warn",
    plugins: [rulesPlugin(rules)],
    define: {
      SLUICE_VERSION: JSON.stringify(version),
      "process.env.FENGARICONF": JSON.stringify(fengariSettings),
    },
    ssr: { noExternal: true },
    build: {
      ssr: "src/main.ts",
      target: "node20",
      minify: false,
      write: false,
      rolldownOptions: { output: { entryFileNames: fileName, format: "es", codeSplitting: false } },
    },
  });
  if (output.length !== 1) throw new Error(`command: the build made ${output.length} files, not 1`);
  return output[0];
}

/**
 * Returns the licenses of the libraries, which have to accompany their code.
 * @param {string[]} modules the paths of all bundled modules
 */
function licensesOf(modules) {
  const names = modules.map((path) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const libraries = [...new Set(names.filter((name) => name !== undefined))].sort();
  return libraries.map((name) => {
    const folder = join(root, "node_modules", name);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`command: ${name} has no file with its license`);
    const text = readFileSync(join(folder, file), "utf8").trim();
    if (text.includes("*/")) throw new Error(`command: the license of ${name} contains the end of a comment`);
    return `/*!\n${name} ${version}\n\n${text}\n*/\n`;
  });
}

/**
 * Writes the command.
 * @param {string} rules the folder of the compiled Lua
 * @param {string} folder
 */
async function write(rules, folder) {
  if (!existsSync(join(rules, "resty/sluice.lua"))) throw new Error(`command: ${rules} has no compiled Lua`);
  const { code, moduleIds } = await bundle(rules);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, fileName);
  writeFileSync(path, ["#!/usr/bin/env node\n", code, ...licensesOf(moduleIds)].join("\n"));
  chmodSync(path, 0o755);
}

if (isMain(import.meta.url)) {
  const [rules, folder] = process.argv.slice(2);
  if (folder === undefined) stop("usage: node scripts/build_cli.mjs <folder of the compiled Lua> <folder>");
  await write(rules, folder).catch((cause) => stop(cause.message));
}
