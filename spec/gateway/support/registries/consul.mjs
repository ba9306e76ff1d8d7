/** A stand-in for Consul with both kinds of discovery: instances of a service, and keys of the KV store. */
import { fileURLToPath } from "node:url";
import { Fake, startFake } from "./fake.mjs";

const script = fileURLToPath(new URL("consul_server.mjs", import.meta.url));

/** @typedef {import("./consul_server.mjs").Instance} Instance */

/** Returns an instance with a server's address. @param {string} server @returns {Instance} */
function instanceAt(server, weight = 1) {
  const [host, port] = server.split(/:(?=\d+$)/);
  return { id: `app-${server}`, address: host.replace(/[[\]]/g, ""), port: Number(port), weight };
}

export class Consul extends Fake {
  /** The name in the titles of the contract. */
  name = "consul";
  /** @type {Instance[]} */
  instances = [];

  /** @param {number} port */
  constructor(port) {
    super(script, port);
  }

  /** @param {object} [more] of the configuration */
  discovery(more = {}) {
    return { consul: { address: this.url, service: "app", ...more } };
  }

  /** @param {Instance[]} instances all instances */
  async setInstances(instances) {
    this.instances = instances;
    await this.change({ instances });
  }

  /** @param {{ server: string, weight?: number }[]} servers */
  async set(servers) {
    await this.setInstances(servers.map(({ server, weight }) => instanceAt(server, weight)));
  }

  /** Adds an instance whose address is a host name. */
  async addBad() {
    const bad = { id: "app-bad", address: "app.example", port: 80 };
    await this.setInstances([...this.instances, bad]);
    return bad.id;
  }
}

export class ConsulKv extends Fake {
  /** The name in the titles of the contract. */
  name = "consul_kv";
  /** @type {Record<string, string>} */
  keys = {};

  /** @param {number} port */
  constructor(port) {
    super(script, port);
  }

  /** @param {object} [more] of the configuration */
  discovery(more = {}) {
    return { consul_kv: { address: this.url, prefix: "upstreams/app/", ...more } };
  }

  /** @param {Record<string, string>} keys all keys with their values */
  async setKeys(keys) {
    this.keys = keys;
    await this.change({ keys });
  }

  /** @param {{ server: string, weight?: number }[]} servers */
  async set(servers) {
    const pairs = servers.map(({ server, weight = 1 }) => [
      `upstreams/app/${server}`,
      JSON.stringify({ weight }),
    ]);
    await this.setKeys(Object.fromEntries(pairs));
  }

  /** Adds a key whose value is not JSON. */
  async addBad() {
    await this.setKeys({ ...this.keys, "upstreams/app/bad": "{not JSON" });
    return "upstreams/app/bad";
  }
}

/** Starts a Consul that ends with the test. @param {import("node:test").TestContext} context */
export const startConsul = (context) => startFake(context, Consul);

/** Starts a Consul whose keys are followed. @param {import("node:test").TestContext} context */
export const startConsulKv = (context) => startFake(context, ConsulKv);
