/**
 * docs/speed.md: text written by people, and one block for each part of the bench. `npm run bench` replaces
 * the blocks of the parts that it has measured and leaves the rest of the page as it is. docs/load.md has
 * blocks of the simulation in the same way.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { root } from "../scripts/command.mjs";

const PAGE = join("docs", "speed.md");

/** @param {string} part */
function blockPattern(part) {
  return new RegExp(`(<!-- bench: ${part} -->\n)[^]*?(\n<!-- end of ${part} -->)`);
}

/**
 * Replaces the blocks of some parts.
 *
 * @param {string} page its text
 * @param {Record<string, string>} blocks the new content by part
 * @param {string} [path] of the page
 * @returns {string}
 */
export function replaceBlocks(page, blocks, path = PAGE) {
  return Object.entries(blocks).reduce((text, [part, content]) => {
    const pattern = blockPattern(part);
    if (!pattern.test(text)) throw new Error(`${path} has no block for the part "${part}"`);
    return text.replace(pattern, (_, begin, end) => `${begin}\n${content}\n${end}`);
  }, page);
}

/**
 * Fails when the page lacks a block. Called before anything is measured.
 * @param {string[]} parts
 */
export function checkPage(parts) {
  replaceBlocks(readFileSync(join(root, PAGE), "utf8"), Object.fromEntries(parts.map((part) => [part, ""])));
}

/**
 * Writes blocks of a page.
 * @param {string} path of the page, relative to the repository
 * @param {Record<string, string>} blocks the new content by part
 */
export async function writeBlocks(path, blocks) {
  const file = join(root, path);
  const page = replaceBlocks(readFileSync(file, "utf8"), blocks, path);
  writeFileSync(file, await format(page, { parser: "markdown", printWidth: 110 }));
}

/** @param {Record<string, string>} blocks the new content by part */
export async function writePage(blocks) {
  await writeBlocks(PAGE, blocks);
}
