/**
 * A container of a test. It ends with this process at the latest. The reaper image of testcontainers is not
 * used.
 */
import { spawnSync } from "node:child_process";
import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import { atExit } from "../cleanup.mjs";
import { waitFor } from "../wait.mjs";

process.env.TESTCONTAINERS_RYUK_DISABLED = "true";

class TestContainer extends GenericContainer {
  /** @type {() => void} */
  cancel = () => {};

  /** @param {import("dockerode").HostConfig} changes settings for which GenericContainer has no method */
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

/** A started container, which may have ended already. */
export class StartedContainer {
  /** @type {number | null} null: the container runs */
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

  /** The whole output of the container. */
  get output() {
    const { stdout, stderr } = spawnSync("docker", ["logs", this.handle.id], { encoding: "utf8" });
    return stdout + stderr;
  }

  /** Restarts the container as `docker restart` does. */
  async restart() {
    await this.handle.restart();
    this.#watch();
  }

  /** Returns the pid of its first process on this machine; undefined: the container has ended. */
  async pid() {
    const { State } = await this.handle.inspect();
    return State.Pid || undefined;
  }

  /** Waits until the container has ended by itself. @returns {Promise<number>} its exit code */
  async ended() {
    const { StatusCode } = await this.handle.wait();
    return StatusCode;
  }

  /** Ends and removes the container with its volumes. */
  async remove() {
    // A container that is just ending can be neither killed nor removed by force.
    await waitFor("a container ends", async () => {
      await this.handle.kill().catch(() => {});
      return (await this.pid()) === undefined;
    });
    await this.handle.remove({ v: true });
    this.cancel();
  }
}
