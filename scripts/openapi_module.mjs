/** The Lua module with the description of the API: JSON text in two parts, before and after `api.prefix`. */

/** The module's path below the folder of the compiled Lua. */
export const modulePath = "resty/sluice/openapi.lua";

/** Ends a long string of Lua. The JSON text must not contain it. */
const end = "]==]";
const piece = /\b(before|after) = \[==\[(.*)\]==\]/g;

/**
 * @param {string} before the text up to the prefix
 * @param {string} after the text after the prefix
 * @returns {string} the module's source
 */
export function toLua(before, after) {
  if (`${before}${after}`.includes(end))
    throw new Error(`openapi: a text contains ${end}, which ends a long string of Lua`);
  return `return {\n  before = [==[${before}]==],\n  after = [==[${after}]==],\n}\n`;
}

/**
 * @param {string} source the module's source
 * @param {string} prefix
 * @returns {any} the document that a gateway with this prefix serves
 */
export function fromLua(source, prefix) {
  const pieces = Object.fromEntries([...source.matchAll(piece)].map(([, name, text]) => [name, text]));
  return JSON.parse(`${pieces.before}${prefix}${pieces.after}`);
}
