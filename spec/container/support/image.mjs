/** Runs the gateway's image as a user does: with its own entrypoint and its own user. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GATEWAY_IMAGE, imageProblem } from "../../../scripts/docker/images.mjs";
import { Api } from "../../gateway/support/api.mjs";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { StartedContainer } from "../../gateway/support/drivers/test_container.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

const problem = imageProblem();

/** Upper bound on the time in which the image refuses a wrong configuration, in milliseconds. */
const patience = 20_000;

/**
 * Defines a test that needs the images. Without them it is reported as skipped, with the reason.
 * @param {string} name
 * @param {(context: import("node:test").TestContext) => Promise<void>} action
 * @param {() => string | undefined} [furtherProblem] returns a further reason to skip the test
 */
export function containerTest(name, action, furtherProblem = () => undefined) {
  const reason = problem ?? furtherProblem();
  const options = reason === undefined ? {} : { skip: reason };
  test(name, options, action);
}

/**
 * Writes a file that the image's user may read. The file is removed when the test ends.
 * @param {import("node:test").TestContext} context
 * @param {string} text
 */
export function fileWith(context, text) {
  const path = join(makeFolder(context, "container"), "file");
  writeFileSync(path, text);
  return path;
}

/**
 * Differences from a plain `docker run`.
 *
 * @typedef {object} Options
 * @property {Record<string, string>} [environment]
 * @property {import("dockerode").HostConfig} [hostConfig]
 * @property {Record<string, string>} [files] read-only mounts: local paths by paths in the container
 * @property {string[]} [command] replaces nginx
 */

/** A container that shares this machine's network, so that it reaches servers of the test. */
class ImageGateway {
  /** @param {{ port: number, apiPort: number }} ports */
  constructor({ port, apiPort }) {
    this.port = port;
    this.apiPort = apiPort;
  }

  /** @param {import("node:test").TestContext} context @param {Options} options */
  async launch(context, { environment = {}, hostConfig = {}, files = {}, command } = {}) {
    const ports = { SLUICE_PORT: String(this.port), SLUICE_API_PORT: String(this.apiPort) };
    this.container = await StartedContainer.start(GATEWAY_IMAGE, (container) => {
      container.withNetworkMode("host").withHostConfig(hostConfig);
      container.withEnvironment({ ...ports, SLUICE_WORKERS: "2", ...environment });
      container.withBindMounts(
        Object.entries(files).map(([target, source]) => ({ source, target, mode: "ro" })),
      );
      if (command !== undefined) container.withCommand(command);
    });
    atEnd(context, () => this.container.remove());
  }

  /** Waits until the API answers. */
  async serves() {
    await waitFor("the image serves", async () => {
      if (this.container.exitCode !== null)
        throw new Error(`the container has ended: ${this.container.output}`);
      return new Api({ port: this.apiPort }).isThere();
    });
  }

  /**
   * Runs a program in the container.
   * @param {string[]} command
   */
  async run(...command) {
    const { exitCode, stdout, stderr } = await this.container.container.exec(command);
    return { exitCode, stdout, stderr };
  }

  /** Returns the API with the token that the image has made. */
  async api() {
    const { stdout } = await this.run("cat", "/var/lib/sluice/write_token");
    return new Api({ port: this.apiPort, headers: { Authorization: `Bearer ${stdout}` } });
  }

  /**
   * Stops the container as `docker stop` does.
   * @returns {Promise<number>} the time it took, in milliseconds
   */
  async stop() {
    const started = performance.now();
    await this.container.handle.stop();
    return performance.now() - started;
  }
}

async function makeImageGateway() {
  return new ImageGateway({ port: await freePort(), apiPort: await freePort() });
}

/**
 * Starts the image, and waits until its API answers.
 * @param {import("node:test").TestContext} context
 * @param {Options} [options]
 */
export async function startImage(context, options) {
  const gateway = await makeImageGateway();
  await gateway.launch(context, options);
  await gateway.serves();
  return gateway;
}

/**
 * Starts the image with a configuration that it must refuse.
 * @param {import("node:test").TestContext} context
 * @param {Options} options
 * @returns {Promise<{ code: number, output: string }>} the exit status and the output
 */
export async function startInVain(context, options) {
  const gateway = await makeImageGateway();
  await gateway.launch(context, options);
  const { container } = gateway;
  await waitFor("the image refuses to start", () => container.exitCode !== null, patience);
  return { code: await container.ended(), output: container.output };
}
