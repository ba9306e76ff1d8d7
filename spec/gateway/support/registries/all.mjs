/** Every registry, as the contract's spec uses it. */
import { startConsul, startConsulKv } from "./consul.mjs";
import { startDns } from "./dns.mjs";
import { startEtcd } from "./etcd.mjs";
import { startFile } from "./file.mjs";
import { startKubernetes } from "./kubernetes.mjs";

/**
 * What the contract asks of a registry.
 *
 * @typedef {object} Registry
 * @property {string} name
 * @property {() => object} discovery what the `discovery` of the upstream "app" is
 * @property {(servers: { server: string, weight?: number }[]) => Promise<void>} set makes the servers of "app" exactly these
 * @property {() => Promise<string>} addBad adds an entry that is no server, until the next `set`; gives what reports name it by
 * @property {() => Promise<void>} start
 * @property {(how?: NodeJS.Signals) => Promise<void>} stop
 * @property {() => void} freeze has it answer nothing, with its connections open
 * @property {() => void} thaw
 * @property {RegExp[]} [complaints] what nginx itself logs as errors while the registry is down
 */

/** @type {[name: string, start: (context: import("node:test").TestContext) => Promise<Registry>][]} */
export const registries = [
  ["etcd", startEtcd],
  ["consul", startConsul],
  ["consul_kv", startConsulKv],
  ["dns", startDns],
  ["kubernetes", startKubernetes],
  ["file", startFile],
];
