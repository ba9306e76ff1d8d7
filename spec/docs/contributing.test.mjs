/** CONTRIBUTING.md */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("CONTRIBUTING.md");

/** Folders to which a path in these pages can be relative. */
const places = [
  "",
  ...["", "api", "live", "store", "store/memory"].map((room) => join("src/resty/sluice", room)),
];

test("CONTRIBUTING.md and docs/architecture.md name only files and folders that exist", () => {
  for (const page of ["CONTRIBUTING.md", "docs/architecture.md"]) {
    const text = readFileSync(join(root, page), "utf8");
    const paths = [...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]*|[\w-]+\.(?:ts|mjs|yaml))`/g)].map(
      ([, path]) => path,
    );
    const missing = paths.filter((path) => !places.some((place) => existsSync(join(root, place, path))));
    assert.ok(paths.length > 5);
    assert.deepEqual(missing, [], page);
  }
});
