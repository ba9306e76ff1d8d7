/** Tests the lint of workflows for GitHub, the links of a release, and the check of links to other sites. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { linkProblem } from "../../scripts/check_links.mjs";
import { workflowProblems } from "../../scripts/check_workflows.mjs";
import { root } from "../../scripts/command.mjs";
import { missingForUpload, statementProblems } from "../../scripts/release_check.mjs";
import { writeLinks } from "../../scripts/release_links.mjs";
import { copyOfRepository, version } from "./support/installed.mjs";
import { replace, spoilable } from "./support/spoiled.mjs";

const CI = ".github/workflows/ci.yml";
const ci = readFileSync(join(root, CI), "utf8");

/** @type {[what: string, from: string, to: string, problem: RegExp][]} */
const mistakes = [
  ["a job that waits for none", "runs-on:", "needs: [nothing]\n    runs-on:", /nothing/],
  ["an unknown key", "timeout-minutes:", "time-out:", /unexpected key "time-out"/],
  [
    "an unknown variable",
    "matrix.tag }}\n    runs-on",
    "matrix.image }}\n    runs-on",
    /"image" is not defined/,
  ],
  ["an action by its tag", /@[0-9a-f]{40} # /.exec(ci)[0], "@", /must be pinned by the hash of a commit/],
  ["a secret", "run: .ci/run", "run: echo ${{ secrets.NPM_TOKEN }}", /only release.yml may use secrets/],
  ["the right to write", "contents: read", "contents: write", /permissions must be "contents: read"/],
];

for (const [what, from, to, problem] of mistakes) {
  test(`the lint of workflows reports ${what}`, async () => {
    assert.ok(ci.includes(from), from);
    const problems = await workflowProblems(
      CI,
      ci.replace(from, () => to),
    );
    assert.match(problems.join("\n"), problem);
  });
}

test("each series of OpenResty since the oldest is tested, also the one of the image", () => {
  const tags = [...ci.matchAll(/^ +- ((\d+\.\d+)\.\S+-bookworm)$/gm)];
  assert.deepEqual(
    tags.map(([, , series]) => series),
    ["1.21", "1.25", "1.27", "1.29", "1.31"],
  );
  const [, image] = /^ARG OPENRESTY_IMAGE=openresty\/openresty:(\S+)$/m.exec(
    readFileSync(join(root, "Dockerfile"), "utf8"),
  );
  assert.ok(
    tags.some(([, tag]) => tag === image),
    image,
  );
});

test("a release with the repository's address and a date has all that OPM and LuaRocks need", (context) => {
  const folder = copyOfRepository(context, spoilable);
  assert.deepEqual(
    missingForUpload(folder).map((line) => line.split(":")[0]),
    ["CHANGELOG.md", "dist.ini", `lua-resty-sluice-${version}-1.rockspec`],
  );
  writeLinks(folder, "https://github.com/somebody/sluice");
  replace("CHANGELOG.md", "unreleased", "2026-12-24")(folder);
  assert.deepEqual(missingForUpload(folder), []);
  assert.deepEqual(statementProblems(folder), []);
  const text = readFileSync(join(folder, `lua-resty-sluice-${version}-1.rockspec`), "utf8");
  const tarball = `https://github.com/somebody/sluice/releases/download/v${version}/lua-resty-sluice-${version}.tgz`;
  assert.ok(text.includes(`url = "${tarball}"`), text);
});

test("a link is reported if its page is missing or its site does not answer", async (context) => {
  const server = createServer(({ url }, response) => {
    response.writeHead(url === "/there" ? 200 : url === "/refused" ? 403 : 404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const site = `http://127.0.0.1:${server.address().port}`;
  assert.equal(await linkProblem(`${site}/there`, 0), undefined);
  assert.equal(await linkProblem(`${site}/refused`, 0), undefined);
  assert.equal(await linkProblem(`${site}/gone`, 0), "status 404");
  server.close();
  server.closeAllConnections();
  assert.match(await linkProblem(`${site}/there`, 0), /ECONNREFUSED/);
});
