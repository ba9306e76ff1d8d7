/** Named tokens: a file of them, and requests with them. */
import { createHash } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bearer } from "./access.mjs";
import { makeGateway } from "./gateway.mjs";

/** The rights of each role, by the roles that operations need. */
export const rights = {
  read: ["read"],
  report: ["report"],
  operate: ["read", "operate"],
  write: ["read", "report", "operate", "write"],
  admin: ["read", "report", "operate", "write", "admin"],
};
export const roles = Object.keys(rights);

/** @param {string} text @returns {string} in hexadecimal digits */
export const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** The secret of a token, which no log may contain. @param {string} name */
export const secretOf = (name) => `secret-of-${name}`;

/** @param {string} name of a token */
export const as = (name) => bearer(secretOf(name));

/**
 * Returns an entry of the file.
 * @param {string} name
 * @param {string} role
 * @param {object} [more] members
 */
export const entry = (name, role, more = {}) => ({ name, sha256: sha256(secretOf(name)), role, ...more });

/** Replaces the file of tokens in one step. @param {{ folder: string }} gateway @param {unknown} tokens */
export function writeTokens({ folder }, tokens) {
  const path = join(folder, "tokens.json");
  writeFileSync(`${path}.new`, typeof tokens === "string" ? tokens : JSON.stringify(tokens));
  renameSync(`${path}.new`, path);
}

/**
 * Starts a gateway with a file of tokens.
 * @param {import("node:test").TestContext} context
 * @param {object[]} tokens
 * @param {import("./gateway.mjs").Options} [options] `setup.api` is completed
 */
export async function startWithTokens(context, tokens, options = {}) {
  const gateway = await makeGateway(context, options);
  writeTokens(gateway, tokens);
  const setup = { ...options.setup, api: { tokens_file: "tokens.json", ...options.setup?.api } };
  gateway.configure({ setup });
  await gateway.start();
  return gateway;
}
