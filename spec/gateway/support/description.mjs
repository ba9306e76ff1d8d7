/** Checks every answer that a spec receives against the description of the API. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromLua, modulePath } from "../../../scripts/openapi_module.mjs";
import { root } from "../../../scripts/setup.mjs";
import { validatorsOf } from "./validators.mjs";

/** @typedef {import("./api.mjs").Answer} Answer */

/**
 * A request and its answer.
 *
 * @typedef {object} Exchange
 * @property {string} method
 * @property {string} path
 * @property {unknown} [body] as `Api.send` takes it
 * @property {Answer} answer
 */

/** Reads the description in dist/. @param {string} [prefix] */
export function readDescription(prefix = "/api") {
  return fromLua(readFileSync(join(root, "dist", modulePath), "utf8"), prefix);
}

const methods = ["get", "post", "put", "patch", "delete"];
/** Headers that an answer must not have unless they are described. */
const headers = ["Allow", "ETag", "Location", "Retry-After", "WWW-Authenticate"];
/** The allowed codes by status for paths that are not described and for methods that do not exist. */
const refusals = {
  401: ["Unauthorized"],
  403: ["Forbidden", "CrossSiteRequest", "HostNotAllowed"],
  415: ["UnsupportedMediaType"],
};
const withoutPath = { ...refusals, 404: ["UnknownVersion", "PathNotFound"] };
const withoutMethod = { ...refusals, 405: ["MethodDisabled"] };
const mostErrors = 5;

/** @param {string} text percent-encoded */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the parts of a path. A slash at the end adds no part. @param {string} path */
const partsOf = (path) => path.split("/").filter((part) => part !== "");

/** Returns the document for objects with a selection of members by `fields`. @param {any} document */
function withoutRequired(document) {
  const isList = (name, value) => name === "required" && Array.isArray(value);
  return JSON.parse(JSON.stringify(document), (name, value) => (isList(name, value) ? undefined : value));
}

/** @param {unknown} body as `Api.send` takes it */
function parseBody(body) {
  return typeof body === "string" || Buffer.isBuffer(body) ? JSON.parse(String(body)) : structuredClone(body);
}

export class Description {
  /** The received answers: an `operationId`, a space and the status. @type {Set<string>} */
  seen = new Set();
  /**
   * Validators, which are loaded at their first use.
   * @type {Record<string, ReturnType<typeof validatorsOf>>}
   */
  #validators = {};

  /** @param {any} document */
  constructor(document) {
    this.document = document;
    this.prefix = partsOf(document.servers[0].url);
  }

  /** Follows a reference. @param {any} object @param {string} pointer of it @returns {[any, string]} */
  #follow(object, pointer) {
    if (object.$ref === undefined) return [object, pointer];
    const names = object.$ref.slice(2).split("/");
    return [names.reduce((found, name) => found[name], this.document), object.$ref];
  }

  /** Whether a part of a path matches the described part. @param {string} part @param {string} written */
  #fits(part, written, parameters) {
    if (!written.startsWith("{")) return part === written;
    const known = parameters.map((parameter) => this.#follow(parameter, "")[0]);
    const { schema } = known.find(({ name }) => `{${name}}` === written);
    return schema.enum === undefined || schema.enum.some((value) => String(value) === part);
  }

  /**
   * Finds the described path for the path of a request.
   * @param {string} path
   * @returns {[path: string, item: any] | undefined}
   */
  find(path) {
    const parts = partsOf(path.split("?")[0]).map(decode);
    const below = parts.slice(this.prefix.length);
    if (this.prefix.some((part, index) => parts[index] !== part)) return undefined;
    return Object.entries(this.document.paths).find(([template, { parameters = [] }]) => {
      const written = partsOf(template);
      return (
        written.length === below.length &&
        written.every((part, index) => this.#fits(below[index], part, parameters))
      );
    });
  }

  /** @param {boolean} isPart true: objects may lack members */
  #validatorsOf(isPart) {
    const name = isPart ? "parts" : "whole";
    this.#validators[name] ??= validatorsOf(isPart ? withoutRequired(this.document) : this.document);
    return this.#validators[name];
  }

  /**
   * Returns the violations of a schema by a value, one line each.
   * @param {string} pointer of the schema, as in a `$ref`
   * @param {unknown} value
   * @param {boolean} [isPart] true: objects may lack members
   * @returns {string[]}
   */
  faultsOf(pointer, value, isPart = false) {
    const validate = this.#validatorsOf(isPart)[pointer];
    if (validate === undefined) throw new Error(`the description has no ${pointer}`);
    if (validate(value)) return [];
    return (validate.errors ?? []).slice(0, mostErrors).map(({ instancePath, message, params, data }) => {
      const shown = JSON.stringify(data)?.slice(0, 200);
      return `${instancePath || "/"} ${message} ${JSON.stringify(params)}: ${shown}`;
    });
  }

  /** @param {any} described a response @param {string} pointer of it @param {Answer} answer */
  #faultsOfHeaders(described, pointer, answer) {
    return headers.flatMap((name) => {
      const value = answer.headers[name.toLowerCase()];
      const header = described.headers?.[name];
      if (header === undefined) return value === undefined ? [] : [`the header ${name} is not described`];
      const [{ required = false }, at] = this.#follow(header, `${pointer}/headers/${name}`);
      if (value === undefined) return required ? [`the header ${name} is missing`] : [];
      return this.faultsOf(`${at}/schema`, value).map((fault) => `${name}: ${fault}`);
    });
  }

  /** @param {any} described a response @param {string} pointer of it @param {Exchange} exchange */
  #faultsOfBody(described, pointer, { method, path, answer }) {
    if (described.content === undefined || method === "HEAD")
      return answer.text === "" ? [] : [`a body is not described: ${answer.text.slice(0, 200)}`];
    const type = answer.headers["content-type"] ?? "";
    if (described.content[type] === undefined) return [`the Content-Type is "${type}"`];
    const isJson = type === "application/json";
    if (isJson && answer.body === undefined) return [`no JSON: ${answer.text.slice(0, 200)}`];
    const isPart = /[?&]fields=/.test(path);
    const schema = `${pointer}/content/${type.replace("/", "~1")}/schema`;
    return this.faultsOf(schema, isJson ? answer.body : answer.text, isPart);
  }

  /** @param {any} operation @param {string} pointer of it @param {Exchange} exchange */
  #faultsOfResponse(operation, pointer, exchange) {
    const { status, text } = exchange.answer;
    const response = operation.responses[status];
    if (response === undefined) return [`the status is not described: ${text.slice(0, 200)}`];
    const [described, at] = this.#follow(response, `${pointer}/responses/${status}`);
    return [
      ...this.#faultsOfHeaders(described, at, exchange.answer),
      ...this.#faultsOfBody(described, at, exchange),
    ];
  }

  /** @param {any} operation @param {string} pointer of it @param {unknown} body */
  #faultsOfRequest(operation, pointer, body) {
    if (operation.requestBody === undefined) return [];
    const [described, at] = this.#follow(operation.requestBody, `${pointer}/requestBody`);
    if (body === undefined || body === "")
      return described.required === true ? ["the request has no body"] : [];
    const faults = this.faultsOf(`${at}/content/application~1json/schema`, parseBody(body));
    return faults.map((fault) => `the request was accepted: ${fault}`);
  }

  /**
   * Checks an answer to a request without a described operation.
   * @param {any} item of the path, if the path is described
   * @param {Answer} answer
   */
  #faultsOfNone(item, { status, headers: { allow }, body }) {
    const faults = this.faultsOf("#/components/schemas/Error", body);
    const code = body?.error?.code;
    const codes = (item === undefined ? withoutPath : withoutMethod)[status] ?? [];
    if (!codes.includes(code))
      return [...faults, `an operation that is not described was answered with ${status} ${code}`];
    if (status !== 405) return faults;
    const all = methods.filter((name) => item[name] !== undefined).map((name) => name.toUpperCase());
    const reading = all.filter((name) => name === "GET");
    const isAllow = [all.join(", "), reading.join(", ")].includes(allow ?? "");
    return isAllow ? faults : [...faults, `Allow is "${allow}", described are ${all.join(", ")}`];
  }

  /**
   * Compares an answer with the description.
   * @param {Exchange} exchange
   * @returns {string | undefined} the difference to the description, in one line
   */
  problemOf(exchange) {
    const { method, path, body, answer } = exchange;
    const [template, item] = this.find(path) ?? [];
    const name = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = methods.includes(name) ? item?.[name] : undefined;
    const faults = [];
    if (operation === undefined) {
      faults.push(...this.#faultsOfNone(item, answer));
    } else {
      const at = `#/paths/${template.replaceAll("/", "~1")}/${name}`;
      faults.push(...this.#faultsOfResponse(operation, at, exchange));
      if (answer.status < 300) faults.push(...this.#faultsOfRequest(operation, at, body));
      if (faults.length === 0) this.seen.add(`${operation.operationId} ${answer.status}`);
    }
    if (faults.length === 0) return undefined;
    return `${method} ${path}: ${answer.status}: differs from openapi/: ${faults.join("; ")}`;
  }
}

/** The descriptions by the API's prefix. @type {Map<string, Description>} */
const descriptions = new Map();

/**
 * Returns the description for the answers of a prefix.
 * @param {string} prefix
 * @returns {Description}
 */
export function descriptionFor(prefix) {
  const known = descriptions.get(prefix) ?? new Description(readDescription(prefix));
  descriptions.set(prefix, known);
  return known;
}

/** Compiles the validators of answers, so that no test has to wait for them. */
export function compileDescription() {
  descriptionFor("/api").faultsOf("#/components/schemas/Error", {});
}
