/** A file that lists servers. It is replaced by renaming unless a test writes into it. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../folder.mjs";

export class File {
  /** The name in the titles of the contract. */
  name = "file";
  /** @type {unknown[]} */
  #servers = [];

  /** @param {string} folder */
  constructor(folder) {
    this.path = join(folder, "servers.json");
  }

  discovery() {
    return { file: { path: this.path } };
  }

  /** Replaces the file by renaming. @param {string} text */
  replace(text) {
    writeFileSync(`${this.path}.new`, text);
    renameSync(`${this.path}.new`, this.path);
  }

  /** @param {unknown[]} servers */
  async set(servers) {
    this.#servers = servers;
    this.replace(JSON.stringify({ servers }));
  }

  async addBad() {
    await this.set([...this.#servers, "not an address"]);
    return `servers[${this.#servers.length - 1}]`;
  }

  async start() {
    if (!existsSync(this.path)) await this.set(this.#servers);
  }

  async stop() {
    rmSync(this.path);
  }

  /** Cuts the file in half, as a slow writer leaves it. */
  freeze() {
    const text = JSON.stringify({ servers: this.#servers });
    this.replace(text.slice(0, text.length / 2));
  }

  thaw() {
    this.replace(JSON.stringify({ servers: this.#servers }));
  }
}

/** Makes a file that ends with the test. @param {import("node:test").TestContext} context */
export async function startFile(context) {
  return new File(makeFolder(context, "file"));
}
