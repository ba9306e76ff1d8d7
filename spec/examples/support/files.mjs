/** Reads commands from the files of an example, and changes texts in them for a test. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/**
 * Returns the commands in the blocks of `sh` below a heading of a README, one per line.
 * @param {string} path
 * @param {string} heading
 * @returns {string[]}
 */
export function commandsOf(path, heading) {
  const sections = readFileSync(path, "utf8").split(/^## /m);
  const section = sections.find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines);
  const commands = blocks
    .join("")
    .split("\n")
    .filter((line) => line !== "");
  assert.ok(commands.length > 0, `${path} has commands below "## ${heading}"`);
  return commands;
}

/**
 * Replaces parts of a text. Each part must occur exactly once.
 * @param {string} text
 * @param {string} name the name of the file, for messages
 * @param {[from: string, to: string][]} replacements
 * @returns {string}
 */
export function replaceIn(text, name, replacements) {
  return replacements.reduce((before, [from, to]) => {
    const pieces = before.split(from);
    assert.equal(
      pieces.length,
      2,
      `${name} must contain this text once, but contains it ${pieces.length - 1} times: ${from}`,
    );
    return pieces.join(to);
  }, text);
}
