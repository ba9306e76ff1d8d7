/** Puts the description of the HTTP API together from openapi/, and checks it: `node scripts/openapi.mjs dist`. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parse } from "yaml";
import { isMain, root, stop } from "./command.mjs";
import { filesBelow } from "./files.mjs";
import { modulePath, toLua } from "./openapi_module.mjs";

/** The file that has what is not a path or a component. */
const main = "openapi.yaml";
/** In its text, what a gateway replaces. */
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
 * Puts the members of an object into another, and refuses one that is there already.
 * @param {Record<string, any>} into
 * @param {Record<string, any>} members
 * @param {string} file for the message
 */
function add(into, members, file) {
  for (const [name, member] of Object.entries(members)) {
    if (Object.hasOwn(into, name)) throw new Error(`openapi: ${file}: "${name}" is in another file, too`);
    into[name] = member;
  }
}

/**
 * The whole document: the main file, with the paths and components of the others.
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
    if (other !== undefined) throw new Error(`openapi: ${file}: "${other}" is for ${main} only`);
    add(document.paths, paths, file);
    for (const [kind, members] of Object.entries(components)) {
      document.components[kind] ??= {};
      add(document.components[kind], members, file);
    }
  }
  return document;
}

/**
 * What is wrong with a document by the schema of OpenAPI 3.1, one line a problem.
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
    throw new Error(`openapi: ${defaultPrefix} has to be there once, for the gateway's prefix`);
  const path = join(folder, modulePath);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, toLua(`${before}"`, `"${after}`));
}

if (isMain(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) stop("openapi: for which folder?");
  try {
    const document = readSources();
    const problems = await problemsOf(document);
    if (problems.length > 0) stop(problems.map((problem) => `openapi: ${problem}`).join("\n"));
    writeModule(document, folder);
  } catch (cause) {
    stop(cause.message);
  }
}
