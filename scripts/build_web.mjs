/**
 * Builds the dashboard from web/: one HTML file that contains its script and its style, as a Lua module.
 * `node scripts/build_web.mjs dist` writes the module into dist/.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { isMain, root, stop } from "./command.mjs";
import { modulePath, policyOf, toLua } from "./dashboard_module.mjs";

/** Upper bound on the size of the page, compressed with gzip, in bytes. */
const LARGEST_PAGE = 60 * 1024;

/** What a text between tags must not contain. */
const endOfScript = /<\/script|<!--/i;
const endOfStyle = /<\/style/i;

/**
 * Runs Vite. Returns the three files that it makes.
 * @returns {Promise<{ html: string, script: string, style: string }>}
 */
async function bundle() {
  const configFile = join(root, "web", "vite.config.mjs");
  const { output } = await build({ configFile, logLevel: "warn", build: { write: false } });
  const only = (extension) => {
    const files = output.filter(({ fileName }) => fileName.endsWith(extension));
    if (files.length !== 1) throw new Error(`dashboard: ${files.length} files end with ${extension}, not 1`);
    return String(files[0].code ?? files[0].source);
  };
  return { html: only(".html"), script: only(".js"), style: only(".css") };
}

/**
 * Replaces a tag that occurs once.
 * @param {string} html
 * @param {RegExp} tag
 * @param {string} replacement
 * @returns {string}
 */
function replaceOne(html, tag, replacement) {
  if (!tag.test(html)) throw new Error(`dashboard: the page has no ${tag}`);
  return html.replace(tag, () => replacement);
}

/**
 * Builds the page.
 * @returns {Promise<{ page: string, policy: string }>} the HTML and its Content-Security-Policy
 */
export async function buildPage() {
  const { html, script, style } = await bundle();
  if (endOfScript.test(script)) throw new Error(`dashboard: the script contains ${endOfScript}`);
  if (endOfStyle.test(style)) throw new Error(`dashboard: the style contains ${endOfStyle}`);
  const withoutScript = replaceOne(html, /\s*<script type="module"[^>]* src="[^"]*"><\/script>/, "");
  const withStyle = replaceOne(withoutScript, /<link rel="stylesheet"[^>]*>/, `<style>${style}</style>`);
  const page = replaceOne(withStyle, /<\/body>/, `<script type="module">${script}</script>\n  </body>`);
  return { page, policy: policyOf(script, style) };
}

/**
 * Writes the Lua module of the page.
 * @param {string} folder of the compiled Lua
 */
async function writeModule(folder) {
  const { page, policy } = await buildPage();
  const size = gzipSync(page, { level: 9 }).length;
  if (size > LARGEST_PAGE)
    throw new Error(`dashboard: the page has ${size} bytes in gzip, and at most ${LARGEST_PAGE} are allowed`);
  const path = join(folder, modulePath);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, toLua(page, policy));
  console.log(`dashboard: ${(size / 1024).toFixed(1)} KB in gzip`);
}

if (isMain(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) stop("usage: node scripts/build_web.mjs <folder>");
  await writeModule(folder).catch((cause) => stop(cause.message));
}
