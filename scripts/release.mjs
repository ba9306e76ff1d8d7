/**
 * Reads the descriptions of the packages for npm, LuaRocks and OPM, and lists the files that they install.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { filesBelow } from "./files.mjs";

/** Converts a rockspec to JSON. A rockspec is Lua, so a Lua program reads it. */
const rockspecReader = `
local rockspec = {}
setfenv(assert(loadfile(arg[1])), rockspec)()
print(require("cjson").encode(rockspec))`;

/**
 * Runs a program and returns its output. Throws an error with the program's message when it fails.
 * @param {string} folder the working folder
 * @param {string} program
 * @param {string[]} args
 * @param {string} [input]
 */
function outputOf(folder, program, args, input) {
  const done = spawnSync(program, args, { cwd: folder, encoding: "utf8", input });
  if (done.status !== 0)
    throw new Error(`${program} ${args.join(" ")} failed: ${(done.error?.message ?? done.stderr).trim()}`);
  return done.stdout;
}

/**
 * Reads the only rockspec of a folder.
 * @param {string} folder
 * @returns {{ file: string, package: string, version: string, source: { url: string }, description:
 *   Record<string, string> }}
 */
export function readRockspec(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".rockspec"));
  if (files.length !== 1)
    throw new Error(`${folder} must contain one rockspec, but contains ${files.length}`);
  const [file] = files;
  return { file, ...JSON.parse(outputOf(folder, "luajit", ["-", file], rockspecReader)) };
}

/**
 * Reads an INI file without sections, as opm does.
 * @param {string} path
 * @returns {{ keys: Map<string, string>, problems: string[] }}
 */
export function readIni(path) {
  /** @type {Map<string, string>} */
  const keys = new Map();
  const problems = [];
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const [, key, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined) problems.push(`line ${index + 1}: neither a comment nor "key = value"`);
    else if (keys.has(key)) problems.push(`line ${index + 1}: duplicate key "${key}"`);
    else keys.set(key, value);
  }
  return { keys, problems };
}

/**
 * Returns the version that `opm build` finds in a Lua file.
 * @param {string} text
 * @returns {string | undefined}
 */
export function versionByOpm(text) {
  const values = [...text.matchAll(/\b(?:_?VERSION|version)\s*=\s*(\S+)/g)].map(([, value]) => value);
  return values.find((value) => /\d/.test(value))?.replaceAll(/[;,'"{}()<>]/g, "");
}

/**
 * Returns the name and the files of the tarball that `npm pack` would write, without a new build.
 * @param {string} folder
 * @returns {{ filename: string, files: string[] }}
 */
export function packedByNpm(folder) {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline", "--no-update-notifier"];
  const [{ filename, files }] = JSON.parse(outputOf(folder, "npm", args));
  return { filename, files: files.map(({ path }) => path) };
}

/**
 * Returns the files that `luarocks make` installs, relative to the folder of Lua modules. Uses a temporary
 * tree.
 * @param {string} folder
 * @param {string} rockspec
 * @returns {string[]}
 */
export function installedByLuarocks(folder, rockspec) {
  const tree = mkdtempSync(join(tmpdir(), "sluice-rocks-"));
  try {
    outputOf(folder, "luarocks", ["make", "--lua-version", "5.1", "--tree", tree, rockspec]);
    const modules = join(tree, "share", "lua", "5.1");
    return existsSync(modules) ? filesBelow(modules).map((path) => relative(modules, path)) : [];
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
