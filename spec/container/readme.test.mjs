/** README's lines for whoever has Docker and nothing else, run as they stand there but for names, ports and the base image. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";
import { baseImage } from "../../scripts/docker/images.mjs";
import { atEnd, atExit } from "../gateway/support/cleanup.mjs";
import { ask } from "../gateway/support/load.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { containerTest } from "./support/image.mjs";

const own = `sluice-readme-${process.pid}`;
const names = ["gateway", "one", "two"];

/** The first block of shell below "In a container". */
function readmeLines() {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [, block] = /### In a container\n\n```sh\n(.*?)```/s.exec(readme) ?? [];
  return block ?? assert.fail("README has no such block");
}

/**
 * @param {string} text
 * @param {[from: RegExp, to: string][]} changes each of which must be wanted
 */
function changed(text, changes) {
  return changes.reduce((before, [from, to]) => {
    const after = before.replaceAll(from, to);
    assert.notEqual(after, before, `README has nothing like ${from}`);
    return after;
  }, text);
}

containerTest(
  "the README's commands start the gateway, add two servers, and both answer",
  async (context) => {
    const [port, apiPort] = [await freePort(), await freePort()];
    const base = baseImage();
    const script = changed(readmeLines(), [
      [
        /docker build -t sluice \./g,
        `docker build --build-arg NODE_IMAGE=${base} --build-arg DIST=prebuilt -t sluice .`,
      ],
      [/docker build /g, `docker build --quiet --build-arg OPENRESTY_IMAGE=${base} `],
      [/-t (sluice\S*)/g, `-t ${own}-image-$1`],
      [/ (sluice(-app)?)( *(#.*)?)$/gm, ` ${own}-image-$1`],
      [/-v sluice:/g, `-v ${own}-state:`],
      [/\b(gateway|one|two)\b(?=[ ;]|$)/gm, `${own}-$1`],
      [/127\.0\.0\.1:8080\b/g, `127.0.0.1:${port}`],
      [/127\.0\.0\.1:8081\b/g, `127.0.0.1:${apiPort}`],
    ]);
    const takeAway = () => {
      spawnSync("docker", ["rm", "--force", "--volumes", ...names.map((name) => `${own}-${name}`)]);
      spawnSync("docker", ["volume", "rm", "--force", `${own}-state`]);
      spawnSync("docker", ["rmi", "--force", `${own}-image-sluice`, `${own}-image-sluice-app`]);
    };
    const cancel = atExit(takeAway);
    atEnd(context, () => {
      takeAway();
      cancel();
    });
    const options = { cwd: root, encoding: "utf8" };
    const { status, stdout, stderr } = spawnSync("bash", ["-euo", "pipefail", "-c", script], options);
    assert.equal(status, 0, `${script}\n${stdout}\n${stderr}`);
    assert.match(stdout, /: GET \/\n$/);
    const answers = new Set();
    await waitFor("both answer", async () => answers.add((await ask(port)).text).size === 2);
  },
);
