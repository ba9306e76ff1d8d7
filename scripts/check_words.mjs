/** Reminders of unfinished work belong into issues, not into the sources. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

// Written in halves, so that this file does not contain the words.
const words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"];
const pattern = new RegExp(`\\b(${words.join("|")})\\b`);

/** Folders of tools, of downloads and of generated files. */
const madeFolders = [".git", ".sluice", "bin", "build", "dist", "node_modules"];

/** @returns {string[]} one line per problem */
export function checkWords() {
  const texts = filesBelow(root, (folder) => !madeFolders.includes(folder)).filter(
    (path) => !path.endsWith(".png"),
  );
  return texts.flatMap((path) => {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line, index) => {
      const word = pattern.exec(line);
      return word === null ? [] : [`${relative(root, path)}:${index + 1}: contains ${word[1]}`];
    });
  });
}
