/**
 * `node scripts/check_links.mjs`: requests each page of another site to which the documentation links.
 * `npm test` checks the links inside the repository.
 */
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pagePaths, readPage } from "../spec/docs/support/pages.mjs";
import { isMain, root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

/** Sites may be slow or busy for a moment. */
const TRIES = 3;
const TIMEOUT = 20_000;

/** Returns the links to other sites, each with the first place that has it. */
export function foreignLinks() {
  const examples = filesBelow(join(root, "examples")).filter((path) => path.endsWith(".md"));
  /** @type {Map<string, string>} */
  const places = new Map();
  for (const path of [...pagePaths(), "CHANGELOG.md", ...examples.map((path) => relative(root, path))])
    for (const { line, target } of readPage(path).links)
      if (/^https?:/.test(target) && !places.has(target)) places.set(target, `${path}:${line}`);
  return places;
}

/**
 * Returns why a page cannot be read; undefined if it can be. A site that refuses programs has the page.
 * @param {string} url
 * @param {number} [pause] between two tries, in milliseconds
 * @returns {Promise<string | undefined>}
 */
export async function linkProblem(url, pause = 5000) {
  let problem;
  for (let turn = 0; turn < TRIES; turn += 1) {
    if (turn > 0) await sleep(pause);
    try {
      const { ok, status, body } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT) });
      await body?.cancel();
      if (ok || [401, 403, 429].includes(status)) return undefined;
      problem = `status ${status}`;
    } catch (failure) {
      problem = failure.cause?.message ?? failure.message;
    }
  }
  return problem;
}

if (isMain(import.meta.url)) {
  const places = foreignLinks();
  let failed = 0;
  for (const [url, place] of places) {
    const problem = await linkProblem(url);
    if (problem === undefined) continue;
    failed += 1;
    console.error(`${place}: ${url}: ${problem}`);
  }
  console.log(`links: ${places.size - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
