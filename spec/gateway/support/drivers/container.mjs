/** Runs a gateway in a container of an image, with the image's own Sluice and nginx. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import { atExit } from "../cleanup.mjs";

const program = "/usr/local/openresty/bin/openresty";

/** The specs' folders are below it. */
const folder = tmpdir();

/** With this machine's network and pids: the specs talk to it, and signal it, as if it were a process here. */
class HostContainer extends GenericContainer {
  /** @param {string} image */
  constructor(image) {
    super(image);
    this.withNetworkMode("host").withUser("0:0").withEntrypoint([program]);
    this.withBindMounts([{ source: folder, target: folder, mode: "rw" }]);
    this.withWaitStrategy(Wait.forAll([]));
    this.hostConfig.PidMode = "host";
  }
}

/** @implements {import("./driver.mjs").Driver} */
export class ContainerDriver {
  #image;
  /** @type {import("dockerode").Container | undefined} */
  #container;
  /** @type {Promise<unknown> | undefined} */
  #allWritten;
  #cancel = () => {};
  /** @type {number | undefined} */
  master;
  /** @type {number | null} */
  exitCode = null;
  complaint = "";

  /** @param {string} image */
  constructor(image) {
    this.#image = image;
  }

  /** @param {string[]} args */
  async launch(args) {
    this.complaint = "";
    this.exitCode = null;
    const container = new HostContainer(this.#image).withCommand([...args, "-g", "daemon off;"]);
    container.withLogConsumer((stream) => {
      stream.on("data", (text) => (this.complaint += text));
      this.#allWritten = once(stream, "end");
    });
    const id = (await container.start()).getId();
    this.#cancel = atExit(() => spawnSync("docker", ["rm", "--force", "--volumes", id]));
    const { container: containers } = await getContainerRuntimeClient();
    this.#container = containers.getById(id);
    const { State } = await this.#container.inspect();
    // It is 0 when nginx has ended already.
    this.master = State.Pid || undefined;
    this.#container.wait().then(({ StatusCode }) => (this.exitCode = StatusCode));
  }

  async ended() {
    const { StatusCode } = await this.#container.wait();
    await this.#allWritten;
    return StatusCode;
  }

  async forget() {
    await this.#container?.remove({ force: true, v: true });
    this.#cancel();
    this.#container = undefined;
    this.master = undefined;
  }

  /** @param {string[]} args */
  testConfiguration(args) {
    const options = ["--rm", "--network=host", "--user=0:0", `--volume=${folder}:${folder}`];
    const all = ["run", ...options, `--entrypoint=${program}`, this.#image, ...args];
    const { status, stderr } = spawnSync("docker", all, { encoding: "utf8" });
    return { code: status, complaint: stderr };
  }
}
