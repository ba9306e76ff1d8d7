/** Reads the pages of the documentation: their fenced blocks, headings and links. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "../../../scripts/command.mjs";
import { filesBelow } from "../../../scripts/files.mjs";

/**
 * A fenced block, or a hidden one: the lines of a comment `<!-- test … -->` are shell commands that readers
 * do not see.
 *
 * @typedef {object} Block
 * @property {string} page the path of its page
 * @property {number} line the number of its first line
 * @property {string} language such as "sh"
 * @property {string[]} words the words after the language in that line: `json upstream` has one
 * @property {string} text
 */

/**
 * @typedef {object} Page
 * @property {string} path relative to the repository
 * @property {Block[]} blocks in the order of the page
 * @property {{ line: number, target: string }[]} links
 * @property {Set<string>} anchors the fragments that a link may have
 */

const fence = /^( *)```(.*)$/;
const hiddenStart = /^<!-- test *(.*)$/;

/** Returns the pages whose blocks are run. spec/examples tests the pages of the examples. */
export function pagePaths() {
  const single = ["README.md", "CONTRIBUTING.md"].filter((path) => existsSync(join(root, path)));
  const docs = existsSync(join(root, "docs")) ? filesBelow(join(root, "docs")) : [];
  const below = docs.filter((path) => path.endsWith(".md")).map((path) => relative(root, path));
  return [...single, ...below.sort()];
}

/**
 * Returns the anchor of a heading, as GitHub forms it.
 * @param {string} heading
 */
function anchorOf(heading) {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
  return text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** @param {string} line @param {number} number */
function linksOf(line, number) {
  const prose = line.replace(/`[^`]*`/g, "");
  const found = [...prose.matchAll(/\]\(([^()\s]+)\)/g), ...prose.matchAll(/^\[[^\]]+\]: *(\S+)/g)];
  return found.map(([, target]) => ({ line: number, target }));
}

/**
 * Returns the lines of a block.
 * @param {string[]} lines
 * @param {number} start the index of the line that opens it
 * @param {string} indent the prefix of each of its lines
 * @param {(line: string) => boolean} isEnd
 */
function takeBlock(lines, start, indent, isEnd) {
  const length = lines.slice(start + 1).findIndex(isEnd);
  if (length < 0) throw new Error(`line ${start + 1}: the block has no end`);
  const own = lines.slice(start + 1, start + 1 + length);
  const text = own.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join("\n");
  return { text: `${text}\n`, next: start + length + 2 };
}

/**
 * @param {string} path relative to the repository
 * @returns {Page}
 */
export function readPage(path) {
  const lines = readFileSync(join(root, path), "utf8").split("\n");
  /** @type {Page} */
  const page = { path, blocks: [], links: [], anchors: new Set() };
  for (let index = 0; index < lines.length;) {
    const line = lines[index];
    const [, indent, info] = fence.exec(line) ?? [];
    const [, hidden] = hiddenStart.exec(line) ?? [];
    if (info !== undefined) {
      const [language = "", ...words] = info.split(" ").filter((word) => word !== "");
      const { text, next } = takeBlock(lines, index, indent, (end) => end === `${indent}\`\`\``);
      page.blocks.push({ page: path, line: index + 1, language, words, text });
      index = next;
    } else if (hidden === "") {
      const { text, next } = takeBlock(lines, index, "", (end) => end === "-->");
      page.blocks.push({ page: path, line: index + 1, language: "sh", words: ["hidden"], text });
      index = next;
    } else {
      addLine(page, line, index + 1);
      index += 1;
    }
  }
  return page;
}

/**
 * Adds the heading or the links of a line of prose to a page.
 * @param {Page} page
 * @param {string} line
 * @param {number} number
 */
function addLine(page, line, number) {
  const [, heading] = /^#{1,6} +(.*)$/.exec(line) ?? [];
  for (const [, name] of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) page.anchors.add(name);
  if (heading !== undefined) {
    const anchor = anchorOf(heading);
    let repeated = anchor;
    for (let count = 1; page.anchors.has(repeated); count += 1) repeated = `${anchor}-${count}`;
    page.anchors.add(repeated);
  }
  page.links.push(...linksOf(line, number));
}
