/** Runs the blocks `sh container` of the pages as they are, except for names, ports and the base image. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { baseImage } from "../../scripts/docker/images.mjs";
import { pagePaths, readPage } from "../docs/support/pages.mjs";
import { atEnd, atExit } from "../gateway/support/cleanup.mjs";
import { ask } from "../gateway/support/load.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { containerTest } from "./support/image.mjs";

const own = `sluice-docs-${process.pid}`;

/** Returns the blocks `sh container` of a page as one script. @param {string} path */
function scriptOf(path) {
  const isRun = ({ language, words }) => language === "sh" && words[0] === "container";
  return readPage(path)
    .blocks.filter(isRun)
    .map(({ text }) => text)
    .join("\n");
}

/**
 * @param {string} script
 * @param {RegExp} pattern
 * @returns {string[]} the distinct matches of the first group
 */
function namesIn(script, pattern) {
  return [...new Set([...script.matchAll(pattern)].map(([, name]) => name))];
}

/**
 * Renames the containers, images and volumes of a script, so that they belong to this test.
 * @param {string} script
 * @param {{ port: number, apiPort: number }} ports
 */
function ownScript(script, { port, apiPort }) {
  const containers = namesIn(script, /--name (\S+)/g);
  const images = namesIn(script, / -t (\S+)/g);
  const volumes = namesIn(script, /-v ([\w-]+):/g);
  const base = baseImage();
  const build = `docker build --quiet --build-arg OPENRESTY_IMAGE=${base}`;
  const gateway = `${build} --build-arg NODE_IMAGE=${base} --build-arg DIST=prebuilt`;
  const named = script
    .replaceAll(/docker build (.*?) \.(?=\s|$)/gm, (_, options) => `${gateway} ${options} .`)
    .replaceAll(/docker build (?!--quiet)/g, `${build} `)
    .replaceAll(/ -t (\S+)/g, ` -t ${own}-image-$1`)
    .replaceAll(/(docker run [^#\n]*?) (\S+)( *(?:#.*)?)$/gm, `$1 ${own}-image-$2$3`)
    .replaceAll(/-v ([\w-]+):/g, `-v ${own}-$1:`)
    .replaceAll(new RegExp(`(?<= )(${containers.join("|")})(?=[ ;]|$)`, "gm"), `${own}-$1`)
    .replaceAll(/127\.0\.0\.1:8080\b/g, `127.0.0.1:${port}`)
    .replaceAll(/127\.0\.0\.1:8081\b/g, `127.0.0.1:${apiPort}`);
  return { text: named, containers, images, volumes };
}

/** @param {{ containers: string[], images: string[], volumes: string[] }} made */
function removeAll({ containers, images, volumes }) {
  const all = (kind, names) => names.map((name) => `${own}-${kind}${name}`);
  spawnSync("docker", ["rm", "--force", "--volumes", ...all("", containers)]);
  spawnSync("docker", ["volume", "rm", "--force", ...all("", volumes)]);
  spawnSync("docker", ["rmi", "--force", ...all("image-", images)]);
}

/**
 * Runs a page's blocks. Their containers, images and volumes are removed when the test ends.
 * @param {import("node:test").TestContext} context
 * @param {string} path
 */
async function runPage(context, path) {
  const ports = { port: await freePort(), apiPort: await freePort() };
  const script = ownScript(scriptOf(path), ports);
  const remove = () => removeAll(script);
  const cancel = atExit(remove);
  atEnd(context, () => {
    remove();
    cancel();
  });
  const options = { cwd: root, encoding: /** @type {const} */ ("utf8") };
  const { status, stdout, stderr } = spawnSync("bash", ["-euo", "pipefail", "-c", script.text], options);
  assert.equal(status, 0, `${script.text}\n${stdout}\n${stderr}`);
  return { ...ports, stdout };
}

const setup = "docs/reference/setup.md";

containerTest(
  `${setup}: its blocks start the gateway and add two servers, and both answer`,
  async (context) => {
    const { port, stdout } = await runPage(context, setup);
    assert.match(stdout, /: GET \/\n$/);
    const answers = new Set();
    await waitFor("both servers answer", async () => answers.add((await ask(port)).text).size === 2);
  },
);

for (const path of pagePaths())
  if (path !== setup && scriptOf(path) !== "")
    containerTest(`${path}: its blocks for containers succeed`, async (context) => {
      await runPage(context, path);
    });

test("containers, images and ports of the page are replaced by those of the test", () => {
  const { text, containers, images, volumes } = ownScript(scriptOf(setup), { port: 1, apiPort: 2 });
  assert.deepEqual(
    [containers, images, volumes],
    [["gateway", "one", "two"], ["sluice", "sluice-app"], ["sluice"]],
  );
  const lines = text.split("\n").map((line) => line.replaceAll(`${own}-`, "").replace(/ *#.*$/, ""));
  assert.equal(
    lines[1].trim(),
    "docker run -d --name gateway -p 127.0.0.1:1:8080 -p 127.0.0.1:2:8081 -v sluice:/var/lib/sluice image-sluice",
  );
  assert.equal(lines[2].trim(), "docker run -d --name one image-sluice-app");
  assert.match(
    lines[0],
    /^docker build --quiet .*DIST=prebuilt -t image-sluice \. && docker build --quiet .*-t image-sluice-app docker\/app$/,
  );
  assert.match(text, new RegExp(`docker exec ${own}-gateway cat`));
  assert.match(text, new RegExp(`for name in ${own}-one ${own}-two;`));
});
