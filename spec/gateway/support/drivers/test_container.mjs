/**
 * A container of a test. It ends with this process at the latest, without the reaper image of testcontainers.
 */
import { spawnSync } from "node:child_process";
import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import { atExit } from "../cleanup.mjs";
import { waitFor } from "../wait.mjs";

process.env.TESTCONTAINERS_RYUK_DISABLED = "true";

class TestContainer extends GenericContainer {
  /** @type {() => void} */
  cancel = () => {};

  /** @param {import("dockerode").HostConfig} changes what GenericContainer has no method for */
  withHostConfig(changes) {
    Object.assign(this.hostConfig, changes);
    return this;
  }

  /** @override @param {string} id */
  async containerCreated(id) {
    this.id = id;
    this.cancel = atExit(() => spawnSync("docker", ["rm", "--force", "--volumes", id]));
  }
}

/** One that was started: it may have ended already. */
export class StartedContainer {
  /** @type {number | null} null: it runs */
  exitCode = null;

  /**
   * @param {string} image
   * @param {(container: TestContainer) => void} configure
   */
  static async start(image, configure) {
    const started = new StartedContainer();
    const container = new TestContainer(image).withWaitStrategy(Wait.forAll([]));
    configure(container);
    started.cancel = () => container.cancel();
    try {
      started.container = await container.start();
    } catch (cause) {
      if (container.id !== undefined) spawnSync("docker", ["rm", "--force", "--volumes", container.id]);
      container.cancel();
      throw cause;
    }
    const { container: containers } = await getContainerRuntimeClient();
    started.handle = containers.getById(container.id);
    started.#watch();
    return started;
  }

  #watch() {
    this.exitCode = null;
    this.handle.wait().then(
      ({ StatusCode }) => (this.exitCode = StatusCode),
      () => {},
    );
  }

  /** All that it has printed. */
  get output() {
    const { stdout, stderr } = spawnSync("docker", ["logs", this.handle.id], { encoding: "utf8" });
    return stdout + stderr;
  }

  /** Restarts it as `docker restart` does. */
  async restart() {
    await this.handle.restart();
    this.#watch();
  }

  /** The pid of its first process, as this machine sees it; undefined: it has ended. */
  async pid() {
    const { State } = await this.handle.inspect();
    return State.Pid || undefined;
  }

  /** Waits until it has ended by itself. @returns {Promise<number>} its exit code */
  async ended() {
    const { StatusCode } = await this.handle.wait();
    return StatusCode;
  }

  /** Ends it and takes it away, with its volumes. */
  async remove() {
    // One that ends by itself just then can be neither killed nor removed by force.
    await waitFor("a container ends", async () => {
      await this.handle.kill().catch(() => {});
      return (await this.pid()) === undefined;
    });
    await this.handle.remove({ v: true });
    this.cancel();
  }
}
