/** Patterns are matched against foreign input, so none may take more than linear time. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";
import { quadraticPart } from "./pattern_cost.mjs";

const FUNCTIONS = ["match", "find", "gmatch", "gsub"];

/** The only file that may run regular expressions. It bounds their work. */
const REGEX_FILE = "src/resty/sluice/lib/regex.ts";

/** Patterns whose cost was measured, as a test of the analysis. */
const QUADRATIC = [
  "^%s*(.-)%s*$",
  "%s*$",
  "(.-)%s+$",
  "([^/]*)$",
  "([^\n]*)\n",
  "^%s*([^=:]-)%s*[=:]%s*(.-)%s*$",
  "^([^%s:]+):[ \t]*([^\r\n]*)\r?\n()",
  "%d+x",
  "^a*b?a*c",
  "^.*x.*y",
  "%b()",
];
const LINEAR = [
  "^%s*(.*)$",
  "^%s*(%S*)",
  "^%s*(.-)$",
  "[^,]+",
  "%S+",
  "^(%d+) (%d+) (%d+) (.+)$",
  '"servers"%s*:%s*%[',
  "^(%[[^%]]*%])(.*)$",
  "\r?\n$",
  "^.*%) (.*)$",
  "^[%w_.-]+$",
];

/** @returns {string[]} */
function checkAnalysis() {
  const missed = QUADRATIC.filter((pattern) => quadraticPart(pattern) === undefined);
  const wrong = LINEAR.filter((pattern) => quadraticPart(pattern) !== undefined);
  return [
    ...missed.map((pattern) => `scripts/pattern_cost.mjs: does not reject ${JSON.stringify(pattern)}`),
    ...wrong.map((pattern) => `scripts/pattern_cost.mjs: rejects ${JSON.stringify(pattern)}`),
  ];
}

/**
 * Returns the constant texts that an expression can have, following constants of the same file.
 * @param {ts.Expression} expression
 * @param {Map<string, ts.Expression | undefined>} constants
 * @returns {string[] | undefined} undefined: not constant
 */
function textsOf(expression, constants) {
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (ts.isIdentifier(expression)) {
    const value = constants.get(expression.text);
    return value === undefined ? undefined : textsOf(value, constants);
  }
  if (ts.isArrayLiteralExpression(expression)) {
    const texts = expression.elements.map((element) => textsOf(element, constants));
    return texts.includes(undefined) ? undefined : texts.flat();
  }
  return undefined;
}

/**
 * Checks a call.
 * @param {ts.CallExpression} call
 * @param {Map<string, ts.Expression | undefined>} constants
 * @param {string} path
 * @returns {string | undefined} the problem, if there is one
 */
function checkCall(call, constants, path) {
  const { expression, arguments: given } = call;
  if (!ts.isPropertyAccessExpression(expression)) return undefined;
  const name = expression.name.text;
  const owner = expression.expression.getText();
  if (owner === "ngx.re" && path !== REGEX_FILE)
    return `use lib/regex, which bounds the work of a regular expression`;
  if (/^trim(End|Right)?$/.test(name)) return `use lib/text: TypeScriptToLua's ${name} takes quadratic time`;
  if (owner !== "string" || !FUNCTIONS.includes(name)) return undefined;
  if (name === "find" && given[3]?.kind === ts.SyntaxKind.TrueKeyword) return undefined;
  const patterns = textsOf(given[1], constants);
  if (patterns === undefined)
    return `the pattern ${given[1].getText()} is not a constant, so its cost is unknown`;
  for (const pattern of patterns) {
    const part = quadraticPart(pattern, name === "gmatch");
    if (part !== undefined) return `the pattern ${JSON.stringify(pattern)} can take quadratic time: ${part}`;
  }
  return undefined;
}

/**
 * Returns the value of each name that a file declares once, including variables of loops over constants.
 * @param {ts.SourceFile} file
 */
function constantsOf(file) {
  /** @type {Map<string, ts.Expression | undefined>} */
  const constants = new Map();
  /** @param {ts.Node} node */
  const visit = (node) => {
    const declares = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node);
    if (declares && ts.isIdentifier(node.name)) {
      const loop = node.parent.parent;
      const value = ts.isForOfStatement(loop) ? loop.expression : node.initializer;
      constants.set(node.name.text, constants.has(node.name.text) ? undefined : value);
    }
    node.forEachChild(visit);
  };
  visit(file);
  return constants;
}

/** @param {string} path @returns {string[]} */
function checkFile(path) {
  const file = ts.createSourceFile(
    path,
    readFileSync(join(root, path), "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const constants = constantsOf(file);
  /** @type {string[]} */
  const problems = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    const problem = ts.isCallExpression(node) ? checkCall(node, constants, path) : undefined;
    if (problem !== undefined)
      problems.push(`${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${problem}`);
    node.forEachChild(visit);
  };
  visit(file);
  return problems;
}

/** @returns {string[]} one line per problem */
export function checkPatterns() {
  const files = filesBelow(join(root, "src")).map((path) => relative(root, path));
  return [...checkAnalysis(), ...files.filter((path) => path.endsWith(".ts")).flatMap(checkFile)];
}
