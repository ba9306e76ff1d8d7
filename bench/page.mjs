/**
 * docs/speed.md: text written by people, and one block for each part of the bench. `npm run bench` replaces
 * the blocks of the parts that it has measured and leaves the rest of the page as it is.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { root } from "../scripts/command.mjs";

const PAGE = join(root, "docs", "speed.md");

/** @param {string} part */
function blockPattern(part) {
  return new RegExp(`(<!-- bench: ${part} -->\n)[^]*?(\n<!-- end of ${part} -->)`);
}

/**
 * Replaces the blocks of some parts.
 *
 * @param {string} page
 * @param {Record<string, string>} blocks the new content by part
 * @returns {string}
 */
export function replaceBlocks(page, blocks) {
  return Object.entries(blocks).reduce((text, [part, content]) => {
    const pattern = blockPattern(part);
    if (!pattern.test(text)) throw new Error(`docs/speed.md has no block for the part "${part}"`);
    return text.replace(pattern, (_, begin, end) => `${begin}\n${content}\n${end}`);
  }, page);
}

/**
 * Fails when the page lacks a block. Called before anything is measured.
 * @param {string[]} parts
 */
export function checkPage(parts) {
  replaceBlocks(readFileSync(PAGE, "utf8"), Object.fromEntries(parts.map((part) => [part, ""])));
}

/** @param {Record<string, string>} blocks the new content by part */
export async function writePage(blocks) {
  const page = replaceBlocks(readFileSync(PAGE, "utf8"), blocks);
  writeFileSync(PAGE, await format(page, { parser: "markdown", printWidth: 110 }));
}
