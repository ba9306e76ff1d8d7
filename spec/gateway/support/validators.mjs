/**
 * Validators for the schemas of a description. They are JavaScript, which is compiled once and kept in
 * build/, because a compilation in each file of specs would take longer than many tests.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../../../scripts/setup.mjs";

const require = createRequire(import.meta.url);
const folder = join(root, "build", "validators");

/** `required` may be in another subschema than the properties and the type that it extends. */
export const strictness = { strict: true, strictTypes: false, strictRequired: false };
/** The schemas are not validated here, because openapi.test.mjs asserts that every schema is valid. */
const quickly = { meta: false, validateSchema: false, inlineRefs: false };

/**
 * Returns the pointers to all schemas: the schemas of components, and each member `schema` elsewhere.
 * @param {any} document
 */
function schemasOf(document) {
  /** @type {string[]} */
  const found = [];
  const search = (/** @type {any} */ value, /** @type {string} */ at) => {
    if (value === null || typeof value !== "object") return;
    for (const [name, member] of Object.entries(value)) {
      const pointer = `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      if (name === "schema" || at === "#/components/schemas") found.push(pointer);
      else search(member, pointer);
    }
  };
  search(document, "#");
  return found;
}

/**
 * @param {any} document
 * @returns {string} a module that exports a function for each schema, by its pointer
 */
function compile(document) {
  const { Ajv2020 } = require("ajv/dist/2020.js");
  const code = { source: true, optimize: false };
  const ajv = new Ajv2020({ ...strictness, ...quickly, code, allErrors: true, verbose: true });
  require("ajv-formats").default(ajv);
  ajv.addVocabulary(["openapi", "info", "servers", "security", "tags", "paths", "components"]);
  ajv.addSchema(document, "description");
  const all = schemasOf(document).map((pointer) => [pointer, `description${encodeURI(pointer)}`]);
  return require("ajv/dist/standalone/index.js").default(ajv, Object.fromEntries(all));
}

/**
 * Returns the functions that validate values, by the pointers of their schemas.
 * @param {any} document
 * @returns {Record<string, import("ajv").ValidateFunction>}
 */
export function validatorsOf(document) {
  const { paths, components } = document;
  const compiler = [
    require("ajv/package.json").version,
    readFileSync(fileURLToPath(import.meta.url), "utf8"),
  ];
  const source = JSON.stringify([paths, components, ...compiler]);
  const path = join(folder, `${createHash("sha256").update(source).digest("hex")}.cjs`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    // Files of specs that run at the same time may write the same file, so it is renamed when it is complete.
    writeFileSync(`${path}.${process.pid}`, compile(document));
    renameSync(`${path}.${process.pid}`, path);
  }
  return require(path);
}
