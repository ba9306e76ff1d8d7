/**
 * `testPage("docs/reference/health.md")` in a file spec/docs/<any name>.test.mjs runs every block of that
 * page, in the order of the page, in one gateway. blocks.mjs lists what the first line of a block may be.
 * Ports such as 8080, 8081, 9001 to 9003 are replaced by free ones. The lines of a comment
 * `<!-- test … -->` are shell commands that readers do not see.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { testOf } from "./blocks.mjs";
import { isWholeConf } from "./nginx_conf.mjs";
import { notRun } from "./not_run.mjs";
import { readPage } from "./pages.mjs";
import { Scene } from "./scene.mjs";

/** @typedef {import("./pages.mjs").Block} Block */

/** Returns the reason why a block is not run here. @param {Block} block */
function reasonNotToRun(block) {
  if (block.language === "sh" && block.words[0] === "container") return "spec/container runs it";
  return notRun.find(({ page, starts }) => page === block.page && block.text.startsWith(starts))?.reason;
}

/** Whether a block needs no test. A page with only such blocks needs no gateway. @param {Block} block */
const isDrawing = ({ language, words }) => language === "text" && words.length === 0;

/** @param {import("./pages.mjs").Page} page */
function assertNoIdleEntry({ path, blocks }) {
  for (const { page, starts } of notRun)
    if (page === path)
      assert.ok(
        blocks.some(({ text }) => text.startsWith(starts)),
        `not_run.mjs: no block of ${path} begins with ${starts}`,
      );
}

/**
 * @param {Block} block
 * @param {import("./blocks.mjs").Test | undefined} run
 * @param {Scene} scene
 */
async function runBlock(block, run, scene) {
  const where = `${block.page}:${block.line}`;
  const what = [block.language, ...block.words].join(" ");
  assert.ok(
    run !== undefined,
    `${where}: no rule covers a block of "${what}": see spec/docs/support/blocks.mjs`,
  );
  try {
    await run(scene, block, scene.translate(block.text));
  } catch (cause) {
    throw new Error(`${where}: ${cause.message}`, { cause });
  }
}

/**
 * @param {string} path of the page, relative to the repository
 * @param {import("./scene.mjs").Options} [options]
 */
export function testPage(path, options = {}) {
  test(`${path}: its blocks are correct`, async (context) => {
    const page = readPage(path);
    assertNoIdleEntry(page);
    if (page.blocks.every(isDrawing)) return;
    const scene = new Scene(context, options);
    scene.pageConf = page.blocks.find(({ language, text }) => language === "nginx" && isWholeConf(text));
    await scene.start(scene.pageConf?.text);
    await options.before?.(scene);
    for (const block of page.blocks) {
      const reason = reasonNotToRun(block);
      const name = `line ${block.line}: ${[block.language, ...block.words].join(" ")}`;
      if (reason === undefined) await runBlock(block, testOf(block, options.kinds ?? {}), scene);
      else await context.test(name, { skip: reason }, () => {});
    }
  });
}
