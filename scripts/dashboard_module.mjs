/** The Lua module with the dashboard: the page, its ETag and its Content-Security-Policy. */
import { createHash } from "node:crypto";

/** The module's path below the folder of the compiled Lua. */
export const modulePath = "resty/sluice/dashboard.lua";

/** Delimits a long string of Lua. The page must not contain its end. */
const [begin, end] = ["[===[", "]===]"];

/** @param {string} text */
const digest = (text) => createHash("sha256").update(text).digest("base64");

/**
 * Returns the policy of a page: only its own script and style, and requests only to its own origin.
 * @param {string} script
 * @param {string} style
 * @returns {string}
 */
export function policyOf(script, style) {
  return [
    "default-src 'none'",
    `script-src 'sha256-${digest(script)}'`,
    `style-src 'sha256-${digest(style)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/**
 * @param {string} page the HTML
 * @param {string} policy its Content-Security-Policy
 * @returns {string} the module's source
 */
export function toLua(page, policy) {
  if (page.includes(end)) throw new Error(`dashboard: the page contains ${end}, which ends a string of Lua`);
  const tag = createHash("sha256").update(page).update(policy).digest("hex").slice(0, 32);
  // Lua drops a line feed directly after the delimiter.
  return `return {\n  page = ${begin}\n${page}${end},\n  policy = "${policy}",\n  etag = '"${tag}"',\n}\n`;
}
