/** Builds the description of the HTTP API from openapi/ and checks it: `node scripts/openapi.mjs dist`. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parse } from "yaml";
import { isMain, root, stop } from "./command.mjs";
import { filesBelow } from "./files.mjs";
import { modulePath, toLua } from "./openapi_module.mjs";

/** The file with everything except paths and components. */
const main = "openapi.yaml";
/** The text that a gateway replaces by its own prefix. */
const defaultPrefix = '"/api"';

/**
 * @param {string} path of a YAML file
 * @returns {any}
 */
function read(path) {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Error(`openapi: ${relative(root, path)}: ${cause.message}`, { cause });
  }
}

/**
 * Adds the members of an object to another one, and refuses duplicates.
 * @param {Record<string, any>} into
 * @param {Record<string, any>} members
 * @param {string} file the file's name, for the message
 */
function add(into, members, file) {
  for (const [name, member] of Object.entries(members)) {
    if (Object.hasOwn(into, name))
      throw new Error(`openapi: ${file}: duplicate "${name}", which is also in another file`);
    into[name] = member;
  }
}

/**
 * Returns the whole document: the main file with the paths and components of the others.
 * @param {string} [folder]
 * @returns {Record<string, any>}
 */
export function readSources(folder = join(root, "openapi")) {
  const document = read(join(folder, main));
  document.info.version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  for (const path of filesBelow(folder).filter((name) => name !== join(folder, main))) {
    const file = relative(folder, path);
    const { paths = {}, components = {}, ...others } = read(path);
    const [other] = Object.keys(others);
    if (other !== undefined) throw new Error(`openapi: ${file}: "${other}" is only allowed in ${main}`);
    add(document.paths, paths, file);
    for (const [kind, members] of Object.entries(components)) {
      document.components[kind] ??= {};
      add(document.components[kind], members, file);
    }
  }
  return document;
}

/**
 * Validates a document by the schema of OpenAPI 3.1. Returns one line per problem.
 * @param {object} document
 * @returns {Promise<string[]>}
 */
export async function problemsOf(document) {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  if (valid) return [];
  if (typeof errors === "string") return [errors];
  return (errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/**
 * Writes the Lua module of a document.
 * @param {object} document
 * @param {string} folder of the compiled Lua
 */
function writeModule(document, folder) {
  const [before, after, more] = JSON.stringify(document).split(defaultPrefix);
  if (after === undefined || more !== undefined)
    throw new Error(`openapi: the document must contain ${defaultPrefix} exactly once`);
  const path = join(folder, modulePath);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, toLua(`${before}"`, `"${after}`));
}

if (isMain(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) stop("usage: node scripts/openapi.mjs <folder>");
  try {
    const document = readSources();
    const problems = await problemsOf(document);
    if (problems.length > 0) stop(problems.map((problem) => `openapi: ${problem}`).join("\n"));
    writeModule(document, folder);
  } catch (cause) {
    stop(cause.message);
  }
}
