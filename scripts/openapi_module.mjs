/** The Lua module by which a gateway has the description of its API: the JSON text, in two pieces around `api.prefix`. */

/** Where the module is below the folder of the compiled Lua. */
export const modulePath = "resty/sluice/openapi.lua";

/** No JSON text of ours has it. */
const end = "]==]";
const piece = /\b(before|after) = \[==\[(.*)\]==\]/g;

/**
 * @param {string} before the text up to the prefix
 * @param {string} after what follows it
 * @returns {string} the module's source
 */
export function toLua(before, after) {
  if (`${before}${after}`.includes(end)) throw new Error(`openapi: a text has ${end}, which ends Lua's`);
  return `return {\n  before = [==[${before}]==],\n  after = [==[${after}]==],\n}\n`;
}

/**
 * @param {string} source the module's
 * @param {string} prefix
 * @returns {any} the document as a gateway with that prefix serves it
 */
export function fromLua(source, prefix) {
  const pieces = Object.fromEntries([...source.matchAll(piece)].map(([, name, text]) => [name, text]));
  return JSON.parse(`${pieces.before}${prefix}${pieces.after}`);
}
