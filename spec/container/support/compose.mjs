/** Starts docker-compose.yml as a user does, except for its images, its ports and the project's name. */
import { join } from "node:path";
import { engineSocket } from "../../../scripts/docker/engine.mjs";
import { baseImage, ETCD_IMAGE } from "../../../scripts/docker/images.mjs";
import { findCompose } from "../../../scripts/docker/compose.mjs";
import { root, runQuietly } from "../../../scripts/command.mjs";
import { Api } from "../../gateway/support/api.mjs";
import { atEnd, atExit } from "../../gateway/support/cleanup.mjs";
import { freePort } from "../../gateway/support/ports.mjs";

/** Returns the reason why the demo cannot be started here; undefined if there is none. */
export function composeProblem() {
  return findCompose() === undefined ? "there is no Docker Compose" : undefined;
}

export class Compose {
  /** @param {{ port: number, apiPort: number }} ports */
  constructor({ port, apiPort }) {
    this.port = port;
    this.apiPort = apiPort;
    this.project = `sluice-test-${process.pid}`;
    const base = baseImage();
    this.environment = {
      ...process.env,
      OPENRESTY_IMAGE: base,
      NODE_IMAGE: base,
      SLUICE_DIST: "prebuilt",
      ETCD_IMAGE,
      DOCKER_SOCKET: engineSocket(),
      GATEWAY_PORT: String(port),
      API_PORT: String(apiPort),
    };
  }

  /** Runs docker compose. @param {string[]} args @returns {string} its output */
  run(...args) {
    const [program, ...first] = findCompose();
    const all = [
      ...first,
      "--file",
      join(root, "docker-compose.yml"),
      "--project-name",
      this.project,
      ...args,
    ];
    const { ok, output } = runQuietly(program, all, this.environment);
    if (!ok) throw new Error(`docker compose ${args.join(" ")}: ${output}`);
    return output;
  }

  /** Returns the API with the token that the gateway has made. */
  api() {
    const token = this.run("exec", "-T", "gateway", "cat", "/var/lib/sluice/write_token");
    return new Api({ port: this.apiPort, headers: { Authorization: `Bearer ${token.trim()}` } });
  }

  /** Returns the ids of a service's running containers. @param {string} service */
  containersOf(service) {
    return this.run("ps", "--quiet", service).trim().split("\n");
  }
}

/**
 * Starts all services. They are removed when the test ends, with their volumes and their network.
 * @param {import("node:test").TestContext} context
 */
export async function startCompose(context) {
  const compose = new Compose({ port: await freePort(), apiPort: await freePort() });
  const down = () => compose.run("down", "--volumes", "--rmi", "local", "--timeout", "2");
  const cancel = atExit(down);
  atEnd(context, () => {
    down();
    cancel();
  });
  compose.run("up", "--build", "--detach");
  return compose;
}
