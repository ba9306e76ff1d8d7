/** `npm run check`: all static checks of the sources. */
import { join } from "node:path";
import { build } from "./build.mjs";
import { checkComments } from "./check_comments.mjs";
import { checkDist } from "./check_dist.mjs";
import { checkHotFiles } from "./check_hot_files.mjs";
import { checkWords } from "./check_words.mjs";
import { root, run } from "./command.mjs";
import { ensureNodeModules, ensureTestTools } from "./setup.mjs";

ensureNodeModules();
// These checks use npm packages, which may just have been installed.
const { checkCircles } = await import("./check_circles.mjs");
const { checkDeclarations } = await import("./declarations.mjs");
const { checkOpenapi } = await import("./check_openapi.mjs");
const { readSources } = await import("./openapi.mjs");
const { checkPatterns } = await import("./check_patterns.mjs");
const { checkRoutes } = await import("./routes.mjs");
const { checkWorkflows } = await import("./check_workflows.mjs");

/**
 * Runs the program of an npm package.
 * @param {string} script its path in node_modules
 * @param {string[]} args
 */
const node = (script, ...args) => run(process.execPath, [join(root, "node_modules", script), ...args]);

const workflowProblems = await checkWorkflows();

/** @type {[name: string, step: () => boolean][]} */
const steps = [
  ["format", () => node("prettier/bin/prettier.cjs", "--check", "--log-level=warn", ".")],
  ["lint", () => node("eslint/bin/eslint.js", "--max-warnings=0", ".")],
  ["types", () => node("typescript/bin/tsc", "--noEmit", "--project", "tsconfig.json")],
  ["web types", () => node("typescript/bin/tsc", "--noEmit", "--project", "web/tsconfig.json")],
  ["command types", () => node("typescript/bin/tsc", "--noEmit", "--project", "cli/tsconfig.json")],
  ["declarations", () => report(checkDeclarations())],
  ["build", build],
  ["luacheck", () => run("luacheck", ["--quiet", "--codes", "--no-color", "dist", "docker", "spec/fuzz"])],
  ["circles", () => report(checkCircles())],
  ["hot files", () => report(checkHotFiles())],
  ["dist", () => report(checkDist())],
  ["patterns", () => report(checkPatterns())],
  ["words", () => report(checkWords())],
  ["comments", () => report(checkComments())],
  ["routes", () => report(checkRoutes(readSources()))],
  ["openapi", () => report(checkOpenapi())],
  ["workflows", () => report(workflowProblems)],
];

/**
 * @param {string[]} problems
 * @returns {boolean}
 */
function report(problems) {
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

ensureTestTools(["luacheck"]);
const failed = steps.filter(([name, step]) => {
  console.log(`== ${name}`);
  return !step();
});
const names = failed.map(([name]) => name).join(", ");
console.log(failed.length === 0 ? `check: all ${steps.length} steps passed` : `check: failed: ${names}`);
process.exitCode = failed.length === 0 ? 0 : 1;
