/** Reads the routes of the API from the sources: every path with its methods and the roles that they need. */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import ts from "typescript";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

/** What comes before the paths of the routes in a folder of api/. */
const SLUICE = "/sluice/1";
const PREFIXES = { changes: SLUICE, history: SLUICE, plus: "/{version}", sluice: SLUICE, status: SLUICE };
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * @typedef {object} Operation
 * @property {string} method
 * @property {string} path as openapi/ writes it
 * @property {string[]} roles of which a client needs one; none: anyone may use it
 */

/** @param {ts.Node} node @param {ts.SourceFile} source @returns {any} the value of a literal */
function valueOf(node, source) {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (ts.isArrayLiteralExpression(node)) return node.elements.map((element) => valueOf(element, source));
  if (ts.isObjectLiteralExpression(node)) return membersOf(node, source);
  return undefined;
}

/** @param {ts.ObjectLiteralExpression} node @param {ts.SourceFile} source @returns {Record<string, any>} */
function membersOf(node, source) {
  return Object.fromEntries(
    node.properties
      .filter((property) => ts.isPropertyAssignment(property))
      .map((property) => [property.name.getText(source), valueOf(property.initializer, source)]),
  );
}

/** @param {string} file @returns {Operation[]} */
function operationsIn(file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const prefix = PREFIXES[basename(dirname(file))] ?? "";
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && /^Route(\[\])?$/.test(node.type?.getText(source) ?? "")) {
      const routes = ts.isArrayLiteralExpression(node.initializer)
        ? node.initializer.elements
        : [node.initializer];
      for (const route of routes) found.push(...operationsOf(membersOf(route, source), prefix));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** @param {Record<string, any>} route @param {string} prefix @returns {Operation[]} */
function operationsOf({ path, roles = {}, is_page = false, ...handlers }, prefix) {
  const full = path === "" ? prefix || "/" : `${prefix}/${path}`;
  return METHODS.filter((method) => method in handlers).map((method) => {
    const needed = roles[method] ?? [method === "GET" ? "read" : "write"];
    return { method, path: full, roles: is_page && method === "GET" ? [] : needed };
  });
}

/** @returns {Operation[]} the operations that the sources have */
export function routeOperations() {
  return filesBelow(join(root, "src/resty/sluice/api")).flatMap(operationsIn);
}

/** @param {any} document of OpenAPI @returns {Operation[]} the operations that it describes */
export function describedOperations(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([name]) => METHODS.includes(name.toUpperCase()))
      .map(([name, operation]) => ({
        method: name.toUpperCase(),
        path,
        roles: [operation["x-role"] ?? []].flat(),
      })),
  );
}

/** @param {Operation} operation @returns {string} */
const textOf = ({ method, path, roles }) => `${method} ${path}: role ${roles.join(" or ") || "none"}`;

/**
 * Compares the routes with a description.
 * @param {object} document
 * @returns {string[]} one line per difference
 */
export function checkRoutes(document) {
  const routes = routeOperations().map(textOf);
  const described = describedOperations(document).map(textOf);
  return [
    ...routes.filter((text) => !described.includes(text)).map((text) => `openapi/ does not have: ${text}`),
    ...described.filter((text) => !routes.includes(text)).map((text) => `no route has: ${text}`),
  ];
}
