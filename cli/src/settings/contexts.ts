import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { codeOf, Failure, fileCause, messageOf } from "../failure";

/**
 * The file with contexts, by default `~/.config/sluice.yaml`:
 *
 *     context: production
 *     contexts:
 *       production: { address: "https://gateway.example:8443", token_file: ~/.config/sluice.token }
 */

/** Where a gateway is, and how to get access. */
export interface Context {
  address?: string;
  token_file?: string;
  ca_file?: string;
  cert_file?: string;
  key_file?: string;
}

const MEMBERS = ["address", "token_file", "ca_file", "cert_file", "key_file"] as const;
/** The members that name files. A relative path begins at the folder of the contexts. */
const FILES = ["token_file", "ca_file", "cert_file", "key_file"] as const;

interface Contexts {
  path: string;
  /** The name of the context that is used if none is named. */
  usual: string | undefined;
  byName: Map<string, Context>;
}

function pathOfContexts(): string {
  const { SLUICE_CONFIG, XDG_CONFIG_HOME } = process.env;
  return SLUICE_CONFIG ?? join(XDG_CONFIG_HOME ?? join(homedir(), ".config"), "sluice.yaml");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function absolute(path: string, folder: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(folder, path);
}

function readContext(path: string, name: string, value: unknown): Context {
  if (!isObject(value)) throw new Failure(`${path}: the context "${name}" must be an object`);
  const other = Object.keys(value).find((member) => !MEMBERS.includes(member as (typeof MEMBERS)[number]));
  if (other !== undefined)
    throw new Failure(
      `${path}: the context "${name}" has an unknown member "${other}": allowed are ${MEMBERS.join(", ")}`,
    );
  const context: Context = {};
  for (const member of MEMBERS) {
    const text = value[member];
    if (text === undefined) continue;
    if (typeof text !== "string")
      throw new Failure(`${path}: "${member}" of the context "${name}" must be a string`);
    context[member] = text;
  }
  for (const member of FILES) {
    const file = context[member];
    if (file !== undefined) context[member] = absolute(file, dirname(path));
  }
  return context;
}

function parseContexts(path: string, text: string): Contexts {
  let file: unknown;
  try {
    file = parse(text, { prettyErrors: false }) ?? {};
  } catch (cause) {
    throw new Failure(`${path}: ${messageOf(cause)}`);
  }
  if (!isObject(file)) throw new Failure(`${path}: must be an object with "contexts"`);
  const { context: usual, contexts = {} } = file;
  if (usual !== undefined && typeof usual !== "string")
    throw new Failure(`${path}: "context" must be a name`);
  if (!isObject(contexts)) throw new Failure(`${path}: "contexts" must be an object`);
  const byName = new Map<string, Context>();
  for (const [name, value] of Object.entries(contexts)) byName.set(name, readContext(path, name, value));
  return { path, usual, byName };
}

function readContexts(): Contexts {
  const path = pathOfContexts();
  try {
    return parseContexts(path, readFileSync(path, "utf8"));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return { path, usual: undefined, byName: new Map() };
    if (cause instanceof Failure) throw cause;
    throw new Failure(`could not read ${path}: ${fileCause(cause)}`);
  }
}

/** Returns the context of that name, or else the usual one of the file; an empty one if there is none. */
export function contextOf(named: string | undefined): Context {
  const { path, usual, byName } = readContexts();
  const name = named ?? usual;
  if (name === undefined) return {};
  const context = byName.get(name);
  if (context !== undefined) return context;
  const names = [...byName.keys()].join(", ");
  throw new Failure(`${path} has no context "${name}"${names === "" ? "" : `, but ${names}`}`);
}
