/** Comment lines must fit in 110 columns, as code does after prettier has wrapped it. */
import { readFileSync } from "node:fs";
import { extname, relative } from "node:path";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

const WIDTH = 110;

/** Folders of tools, of downloads and of generated files. */
const skippedFolders = [".git", ".sluice", "bin", "build", "dist", "node_modules"];

const slashes = /^\s*(\/\/|\/?\*)|\s\/\/ /;
const hash = /^\s*#|\s# /;
const dashes = /^\s*--|\s-- /;

/** How a line with a comment looks, by the file's extension. */
const comments = new Map([
  [".ts", slashes],
  [".mjs", slashes],
  [".lua", dashes],
  [".sh", hash],
  [".conf", hash],
  [".yaml", hash],
  [".yml", hash],
  [".service", hash],
  [".toml", hash],
]);

/** Files without an extension, by their paths. */
const named = new Map([
  ["Dockerfile", hash],
  ["docker/app/Dockerfile", hash],
  [".ci/run", hash],
]);

/** @returns {string[]} one line for each comment line that is too long */
export function checkComments() {
  return filesBelow(root, (folder) => !skippedFolders.includes(folder)).flatMap((path) => {
    const place = relative(root, path);
    const comment = named.get(place) ?? comments.get(extname(path));
    if (comment === undefined) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line, index) => {
      const columns = [...line].length;
      return columns > WIDTH && comment.test(line)
        ? [`${place}:${index + 1}: ${columns} columns, and a comment line has at most ${WIDTH}`]
        : [];
    });
  });
}
