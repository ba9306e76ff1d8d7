/** A stand-in for a Docker engine at a unix socket. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd, atExit } from "../cleanup.mjs";
import { Fake, startFake } from "./fake.mjs";

const script = fileURLToPath(new URL("docker_server.mjs", import.meta.url));

/**
 * Returns a running container in the form of the API.
 * @param {string} name
 * @param {Record<string, string>} labels
 * @param {Record<string, string>} networks addresses by network
 * @param {object} [more] members that differ
 */
export function containerOf(name, labels, networks, more = {}) {
  const ends = Object.entries(networks).map(([network, IPAddress]) => [
    network,
    { NetworkID: network, IPAddress, GlobalIPv6Address: "" },
  ]);
  return {
    Id: `id-of-${name}`,
    Names: [`/${name}`],
    Image: "app",
    State: "running",
    Status: "Up 5 minutes",
    Labels: labels,
    NetworkSettings: { Networks: Object.fromEntries(ends) },
    ...more,
  };
}

/** Returns a container of the upstream "app". @param {{ server: string, weight?: number }} server */
function containerAt({ server, weight = 1 }) {
  const [host, port] = server.split(/:(?=\d+$)/);
  const prefix = "angie.http.upstreams.app";
  const labels = { [`${prefix}.port`]: port, [`${prefix}.weight`]: String(weight) };
  return containerOf(`app-${server}`, labels, { bridge: host });
}

export class Docker extends Fake {
  /** The name in the titles of the contract. */
  name = "docker";
  /** @type {ReturnType<typeof containerOf>[]} */
  containers = [];

  /** @param {number} port */
  constructor(port) {
    const folder = mkdtempSync(join(tmpdir(), "sluice-docker-engine-"));
    const socket = join(folder, "docker.sock");
    super(script, port, socket);
    // The workers of nginx run as the user nobody.
    chmodSync(folder, 0o755);
    this.folder = folder;
    this.endpoint = `unix:${socket}`;
  }

  /** @param {import("node:test").TestContext} context */
  endWith(context) {
    const remove = () => rmSync(this.folder, { recursive: true, force: true });
    const cancel = atExit(remove);
    atEnd(context, () => {
      remove();
      cancel();
    });
    super.endWith(context);
  }

  /** @param {object} [more] of the configuration */
  discovery(more = {}) {
    return { docker: { endpoint: this.endpoint, ...more } };
  }

  /** @param {ReturnType<typeof containerOf>[]} containers all containers */
  async setContainers(containers) {
    this.containers = containers;
    await this.change({ containers });
  }

  /** @param {{ server: string, weight?: number }[]} servers */
  async set(servers) {
    await this.setContainers(servers.map((server) => containerAt(server)));
  }

  /** Adds a container with a port that is none. */
  async addBad() {
    const bad = containerOf("bad", { "angie.http.upstreams.app.port": "http" }, { bridge: "10.0.0.9" });
    await this.setContainers([...this.containers, bad]);
    return "bad";
  }
}

/** Starts an engine that ends with the test. @param {import("node:test").TestContext} context */
export const startDocker = (context) => startFake(context, Docker);
