/** Configurations of nginx for `sluice import`, and what it makes of them. */
import { cases as documentation } from "./nginx_documentation.mjs";
import { cases as guides } from "./nginx_guides.mjs";
import { cases as others } from "./nginx_others.mjs";
import { cases as syntax } from "./nginx_syntax.mjs";

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} conf nginx.conf
 * @property {Record<string, string>} [files] others, by their paths
 * @property {Record<string, any>} upstreams expected
 * @property {[place: string, text: RegExp][]} [missing] the lines that are left out
 * @property {[place: string, text: RegExp][]} [remarks] the lines that are not needed, or have another form
 */

/** @type {Case[]} */
export const cases = [...documentation, ...guides, ...syntax, ...others];

/** Configurations that are malformed, with the line that is reported. */
export const malformed = [
  ["upstream a {\n  server 10.0.0.1;\n", /^nginx\.conf:1: the block of "upstream" has no end$/],
  ["upstream a {\n  server 10.0.0.1\n}\n", /^nginx\.conf:\d: /],
  ["}\n", /^nginx\.conf:1: unexpected "}"$/],
  ["http {\n;\n}\n", /^nginx\.conf:2: unexpected ";"$/],
  ['a "b;\n', /^nginx\.conf:1: the quoted text has no end$/],
  ['a "b"c;\n', /^nginx\.conf:1: unexpected "c" after a quoted text$/],
  ["a\n", /^nginx\.conf:1: the directive "a" is not terminated by ";"$/],
  ["http { init_by_lua_block { if x then { } }\n", /^nginx\.conf:1: the block of/],
  ["include nginx.conf;\n", /^nginx\.conf:1: files include each other/],
  ["http { server { listen 80; } }\n", /^nginx\.conf: there is no upstream block to import$/],
  ["", /^nginx\.conf: there is no upstream block to import$/],
];
