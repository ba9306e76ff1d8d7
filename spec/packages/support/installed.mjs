/** Copies of released files, and gateways that run with an installation of them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/setup.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { makeGateway } from "../../gateway/support/gateway.mjs";

/** The version to release. @type {string} */
export const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The sources of the packages and the image. */
export const released = [
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "Dockerfile",
  "LICENSE",
  "README.md",
  "bin",
  "declarations",
  "dist",
  "dist.ini",
  "docker",
  "docker-compose.yml",
  "docs",
  "examples",
  "package-lock.json",
  "package.json",
  ...readdirSync(root).filter((name) => name.endsWith(".rockspec")),
];

/**
 * Copies files and folders of the repository into a temporary folder.
 * @param {import("node:test").TestContext} context
 * @param {string[]} [names]
 * @returns {string} that folder
 */
export function copyOfRepository(context, names = released) {
  const folder = makeFolder(context, "packages");
  for (const name of names)
    cpSync(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  return folder;
}

/**
 * Runs a program that must succeed.
 * @param {string} folder the working folder
 * @param {string} program
 * @param {...string} args
 * @returns {string} its output
 */
export function runIn(folder, program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/**
 * Packs the package with npm, using the existing dist/. Returns the path of the tarball.
 * @param {string} repository the copy
 * @param {string} folder the folder for the tarball
 */
export function packWithNpm(repository, folder) {
  const options = ["--ignore-scripts", "--offline", "--no-update-notifier", "--loglevel=error"];
  const [name] = runIn(repository, "npm", "pack", ...options, "--pack-destination", folder)
    .trim()
    .split("\n");
  return join(folder, name);
}

/**
 * Makes a gateway that loads Sluice from another place than dist/. Its page /installed shows the version and
 * the path of the loaded file.
 * @param {import("node:test").TestContext} context
 * @param {string} luaPath the beginning of `lua_package_path`
 * @param {import("../../gateway/support/nginx_conf.mjs").Options} [options]
 */
export async function makeInstalledGateway(context, luaPath, options = {}) {
  const traffic = `location = /installed { content_by_lua_block {
    local sluice = require("resty.sluice")
    ngx.say(sluice._VERSION, " ", debug.getinfo(sluice.setup, "S").source)
  } } ${options.traffic ?? ""}`;
  const gateway = await makeGateway(context, { ...options, traffic });
  const path = join(gateway.folder, "nginx.conf");
  const parts = readFileSync(path, "utf8").split(`"${root}/dist/?.lua;`);
  assert.equal(parts.length, 2, "nginx.conf names dist/ once");
  writeFileSync(path, parts.join(`"${luaPath};`));
  return gateway;
}
