/**
 * `node scripts/release_links.mjs <address of the repository>`: writes the public address into package.json,
 * dist.ini and the rockspec, which npm, OPM and LuaRocks require. For the workflow of a release.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMain, root, stop } from "./command.mjs";
import { readRockspec } from "./release.mjs";

/**
 * @param {string} folder the repository, or a copy of it
 * @param {string} url such as "https://github.com/<owner>/<name>"
 */
export function writeLinks(folder, url) {
  const edit = (/** @type {string} */ name, /** @type {(text: string) => string} */ change) =>
    writeFileSync(join(folder, name), change(readFileSync(join(folder, name), "utf8")));

  const { file } = readRockspec(folder);
  const npm = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const tarball = `${npm.name}-${npm.version}.tgz`;
  edit(file, (text) =>
    text.replace(`file://${tarball}`, () => `${url}/releases/download/v${npm.version}/${tarball}`),
  );
  edit("dist.ini", (text) => `${text.trimEnd()}\nrepo_link = ${url}\n`);
  const repository = { type: "git", url: `git+${url}.git` };
  edit("package.json", () => `${JSON.stringify({ ...npm, repository }, undefined, 2)}\n`);
}

if (isMain(import.meta.url)) {
  const [url = ""] = process.argv.slice(2);
  if (!/^https:\/\/[^/]+\/[\w.-]+\/[\w.-]+$/.test(url))
    stop("usage: node scripts/release_links.mjs https://<host>/<owner>/<name>");
  writeLinks(root, url);
}
