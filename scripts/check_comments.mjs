/** Comment lines must fit in 110 columns, as code does after prettier has wrapped it. */
import { readFileSync } from "node:fs";
import { extname, relative } from "node:path";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

const WIDTH = 110;

/** Upper bound on the number of longer lines. Lower it when lines have been wrapped; never raise it. */
const MOST_LONG = 348;

/** Folders of tools, of downloads and of generated files. */
const skippedFolders = [".git", ".sluice", "build", "dist", "node_modules"];

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

/** @returns {string[]} the places of comment lines that are too long */
function longComments() {
  return filesBelow(root, (folder) => !skippedFolders.includes(folder)).flatMap((path) => {
    const place = relative(root, path);
    const comment = named.get(place) ?? comments.get(extname(path));
    if (comment === undefined) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line, index) => {
      const columns = [...line].length;
      return columns > WIDTH && comment.test(line) ? [`${place}:${index + 1}: ${columns} columns`] : [];
    });
  });
}

/** @returns {string[]} one line per problem */
export function checkComments() {
  const long = longComments();
  if (long.length <= MOST_LONG) return [];
  return [
    ...long,
    `${long.length} comment lines are longer than ${WIDTH} columns; at most ${MOST_LONG} may be`,
  ];
}
