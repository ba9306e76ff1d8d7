/**
 * README.md, whose commands use the gateway of its own nginx.conf, and docs/README.md, the list of all pages.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { filesBelow } from "../../scripts/files.mjs";
import { packedByNpm } from "../../scripts/release.mjs";
import { testPage } from "./support/page_test.mjs";
import { pagePaths, readPage } from "./support/pages.mjs";

/** Upper bound on the size of README.md, in bytes. */
const LONGEST = 10_000;

testPage("README.md", { conf: "page" });
testPage("docs/README.md");

test("README is short", () => {
  const { length } = readFileSync(join(root, "README.md"));
  assert.ok(length <= LONGEST, `README.md has ${length} bytes, more than ${LONGEST}`);
});

test("README shows nginx.conf before it mentions Node, LuaRocks or containers", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [before] = readme.split("```nginx");
  assert.notEqual(before, readme);
  assert.doesNotMatch(before, /\bNode\b|luarocks|docker|container/i);
});

/** Returns the pages to which a page links. @param {string} path */
function pagesLinkedBy(path) {
  const targets = readPage(path).links.map(({ target }) => target.split("#")[0]);
  return targets.map((target) => normalize(join(dirname(path), target)));
}

test("README links to each page of the reference", () => {
  const linked = pagesLinkedBy("README.md");
  const reference = pagePaths().filter((path) => path.startsWith("docs/reference/"));
  assert.deepEqual(
    reference.filter((path) => !linked.includes(path)),
    [],
  );
});

test("docs/README.md, or a folder's list to which it links, names every page", () => {
  const linked = pagesLinkedBy("docs/README.md");
  const lists = linked.filter((path) => path.endsWith("/README.md"));
  const listed = [...linked, ...lists.flatMap(pagesLinkedBy), "docs/README.md"];
  assert.deepEqual(
    pagePaths().filter((path) => path.startsWith("docs/") && !listed.includes(path)),
    [],
  );
});

test("the npm package contains every file to which its pages link", () => {
  const { files } = packedByNpm(root);
  const isPacked = (path) => files.some((file) => file === path || file.startsWith(`${path}/`));
  const missing = pagePaths().flatMap((page) => {
    const links = readPage(page).links.filter(({ target }) => !/^(https?:|#)/.test(target));
    const paths = links.map(({ target }) => normalize(join(dirname(page), target.split("#")[0])));
    return [page, ...paths].filter((path) => !isPacked(path)).map((path) => `${page}: ${path}`);
  });
  assert.deepEqual(missing, []);
});

test("each option of the types is on a page of the reference", () => {
  const pages = pagePaths().filter((path) => path.startsWith("docs/reference/"));
  const reference = pages.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
  const types = filesBelow(join(root, "declarations")).map((path) => readFileSync(path, "utf8"));
  const names = types.flatMap((text) =>
    [...text.matchAll(/^ +(?:readonly )?(\w+)\??: /gm)].map(([, name]) => name),
  );
  assert.ok(names.length > 100, `only ${names.length} options were found`);
  const missing = names.filter((name) => !new RegExp(`[\`".]${name}[\`":.]`).test(reference));
  assert.deepEqual(missing, []);
});
