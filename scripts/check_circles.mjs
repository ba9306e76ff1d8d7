/**
 * Imports must form no circle, type imports included: then each file can be read and tested with only the
 * files below it. `import-x/no-cycle` does not follow type imports.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

/**
 * @param {string} path a source file
 * @returns {string[]} the source files that it imports
 */
function importsOf(path) {
  const { importedFiles } = ts.preProcessFile(readFileSync(path, "utf8"), true, true);
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((name) => name.startsWith("."))
    .map((name) => `${join(dirname(path), name)}.ts`);
}

/** @returns {string[]} one line per circle */
export function checkCircles() {
  const problems = [];
  const finished = new Set();
  const path = [];
  const visit = (file) => {
    if (finished.has(file)) return;
    const start = path.indexOf(file);
    if (start >= 0) {
      const circle = [...path.slice(start), file].map((each) => relative(root, each));
      problems.push(`import circle: ${circle.join(" -> ")}`);
      return;
    }
    path.push(file);
    for (const imported of importsOf(file)) visit(imported);
    path.pop();
    finished.add(file);
  };
  for (const file of filesBelow(join(root, "src"))) visit(file);
  return problems;
}
