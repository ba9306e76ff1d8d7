/** Runs a gateway in a container of an image, with the image's own Sluice and nginx. */
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { GATEWAY_IMAGE } from "../../../../scripts/docker/images.mjs";
import { StartedContainer } from "./test_container.mjs";

const program = "/usr/local/openresty/bin/openresty";

/** The parent of all folders of the specs. */
const folder = tmpdir();

/** @implements {import("./driver.mjs").Driver} */
export class ContainerDriver {
  /** @type {StartedContainer | undefined} */
  #container;
  /** @type {number | undefined} */
  master;
  /** The image contains Sluice. This machine's dist/ is never used. */
  luaPackagePath = ";;";

  /** @param {string[]} args */
  async launch(args) {
    this.#container = await StartedContainer.start(GATEWAY_IMAGE, (container) => {
      container.withEntrypoint([program]).withCommand([...args, "-g", "daemon off;"]);
      // With this machine's network and pids, the specs can use the gateway like a local process.
      container.withNetworkMode("host").withHostConfig({ PidMode: "host" }).withUser("0:0");
      container.withBindMounts([{ source: folder, target: folder, mode: "rw" }]);
    });
    this.master = await this.#container.pid();
  }

  get complaint() {
    return this.#container?.output ?? "";
  }

  get exitCode() {
    return this.#container?.exitCode ?? null;
  }

  async ended() {
    return this.#container.ended();
  }

  async forget() {
    await this.#container?.remove();
    this.#container = undefined;
    this.master = undefined;
  }

  /** @param {string[]} args */
  testConfiguration(args) {
    const options = ["--rm", "--network=host", "--user=0:0", `--volume=${folder}:${folder}`];
    const all = ["run", ...options, `--entrypoint=${program}`, GATEWAY_IMAGE, ...args];
    const { status, stderr } = spawnSync("docker", all, { encoding: "utf8" });
    return { code: status, complaint: stderr };
  }
}
