/**
 * A stand-in for Kubernetes' API server, with the EndpointSlices of a service and a service account's token.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd, atExit } from "../cleanup.mjs";
import { Fake, startFake } from "./fake.mjs";

const script = fileURLToPath(new URL("kubernetes_server.mjs", import.meta.url));

/**
 * An endpoint of a slice.
 * @typedef {object} Endpoint
 * @property {string[]} addresses
 * @property {{ ready?: boolean, serving?: boolean, terminating?: boolean }} [conditions]
 */

/**
 * Returns a slice in the form of the API.
 * @param {string} name
 * @param {Endpoint[]} endpoints
 * @param {{ name?: string, port: number, protocol?: string }[]} ports
 */
export function sliceOf(name, endpoints, ports, service = "app", addressType = "IPv4") {
  return {
    addressType,
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": service } },
    endpoints,
    ports,
  };
}

/** Returns a slice for each port of the servers. @param {{ server: string }[]} servers */
function slicesOf(servers) {
  const places = servers.map(({ server }) => server.split(/:(?=\d+$)/));
  const ports = [...new Set(places.map(([, port]) => port))];
  return ports.map((port) => {
    const endpoints = places.filter((place) => place[1] === port).map(([host]) => ({ addresses: [host] }));
    return sliceOf(`app-${port}`, endpoints, [{ name: "http", port: Number(port), protocol: "TCP" }]);
  });
}

export class Kubernetes extends Fake {
  /** The name in the titles of the contract. */
  name = "kubernetes";
  /** @type {ReturnType<typeof sliceOf>[]} */
  slices = [];

  /** @param {number} port */
  constructor(port) {
    super(script, port);
    this.folder = mkdtempSync(join(tmpdir(), "sluice-kubernetes-"));
    // The workers of nginx run as the user nobody.
    chmodSync(this.folder, 0o755);
    this.tokenFile = join(this.folder, "token");
    this.state.token = "the-first-token";
    this.writeToken("the-first-token");
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

  /** Replaces the token by renaming, as the kubelet does. @param {string} token */
  writeToken(token) {
    const next = join(this.folder, "next");
    writeFileSync(next, `${token}\n`);
    renameSync(next, this.tokenFile);
  }

  /** @param {object} [more] of the configuration */
  discovery(more = {}) {
    const own = { service: "app", port: "http", api_server: this.url, token_file: this.tokenFile };
    return { kubernetes: { ...own, ...more } };
  }

  /** @param {ReturnType<typeof sliceOf>[]} slices all slices */
  async setSlices(slices) {
    this.slices = slices;
    await this.change({ slices });
  }

  /** @param {{ server: string }[]} servers */
  async set(servers) {
    await this.setSlices(slicesOf(servers));
  }

  /** Adds a slice whose endpoint has a host name. */
  async addBad() {
    const ports = [{ name: "http", port: 80 }];
    const bad = sliceOf("app-bad", [{ addresses: ["app.example"] }], ports, "app", "FQDN");
    await this.setSlices([...this.slices, bad]);
    return "app-bad/app.example";
  }
}

/** Starts an API server that ends with the test. @param {import("node:test").TestContext} context */
export const startKubernetes = (context) => startFake(context, Kubernetes);
