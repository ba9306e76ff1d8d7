/** Users copy dist/ into a folder of package.path. A file outside resty/ could hide a module of theirs. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

/** @returns {string[]} one line per problem */
export function checkDist() {
  const main = "dist/resty/sluice.lua";
  if (!existsSync(join(root, main))) return [`${main}: does not exist`];
  return filesBelow(join(root, "dist"))
    .map((path) => relative(root, path))
    .filter((path) => path !== main && !path.startsWith("dist/resty/sluice/"))
    .map((path) => `${path}: is outside dist/resty/sluice`);
}
