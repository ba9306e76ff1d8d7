/**
 * The environment of a page's blocks: a gateway, demo servers, a shell and, optionally, an etcd, on ports of
 * the test.
 */
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/command.mjs";
import { startDemoServer } from "../../../scripts/demo_server.mjs";
import { ensureServer, ensureTestTools } from "../../../scripts/setup.mjs";
import { Api } from "../../gateway/support/api.mjs";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { ProcessDriver } from "../../gateway/support/drivers/process.mjs";
import { ErrorLog } from "../../gateway/support/error_log.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { Nginx } from "../../gateway/support/nginx.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { startEtcd } from "../../gateway/support/registries/etcd.mjs";
import { runnableConf } from "./nginx_conf.mjs";
import { Shell } from "./shell.mjs";

/** The ports in pages: traffic, API, further gateways, demo servers, etcd. */
const namedPorts = [8080, 8081, 8082, 8083, 8084, 8443, 9001, 9002, 9003, 9004, 9005, 2379];

/** Entries of the repository that are not linked into the folder of a page. */
const left = [".git", ".sluice", "build"];

/**
 * The options of a page.
 *
 * @typedef {object} Options
 * @property {string} [conf] the gateway's nginx.conf: by default the repository's; "page": the page's first
 *   block with a whole nginx.conf; any other text: a path
 * @property {number[]} [servers] the demo servers to start, by their ports on the page
 * @property {boolean} [etcd] an etcd runs at 127.0.0.1:2379
 * @property {[from: string | RegExp, to: string][]} [replace] further replacements in the page's texts
 * @property {string[]} [volatile] members of JSON whose values differ from run to run
 * @property {RegExp[]} [log] allowed entries of the gateway's log at `error` and above
 * @property {(scene: Scene) => unknown} [before] runs when the gateway serves, before the first block
 * @property {Record<string, (scene: Scene, block: import("./pages.mjs").Block, text: string) => unknown>}
 *   [kinds]
 *   tests for the page's own kinds of blocks: the test `webhook` runs blocks of "json webhook"
 */

/** A gateway of an nginx.conf that a page shows. */
export class PageGateway extends Nginx {
  /** @param {string} folder @param {number} apiPort */
  constructor(folder, apiPort) {
    const log = new ErrorLog(join(folder, "error.log"));
    const args = ["-e", log.path, "-p", folder, "-c", join(folder, "nginx.conf")];
    super(new ProcessDriver(), args, { log, api: new Api({ port: apiPort }) });
    this.folder = folder;
  }

  /** @override */
  get workerCount() {
    return 2;
  }

  /** @param {string} text of nginx.conf, with the test's ports */
  configure(text) {
    writeFileSync(join(this.folder, "nginx.conf"), runnableConf(text, this));
  }
}

export class Scene {
  /** @type {Map<number, number>} */
  #ports = new Map();

  /** @param {import("node:test").TestContext} context @param {Options} options */
  constructor(context, options) {
    this.context = context;
    this.options = options;
    this.folder = makeFolder(context, "docs");
    this.work = join(this.folder, "work");
    this.scripts = join(this.folder, "scripts");
    for (const path of [this.work, this.scripts, join(this.folder, "lualib")]) mkdirSync(path);
    for (const name of readdirSync(root).filter((name) => !left.includes(name)))
      symlinkSync(join(root, name), join(this.work, name));
  }

  /** Returns the test's port for a port in pages. @param {number} named */
  port(named) {
    const port = this.#ports.get(named);
    if (port === undefined) throw new Error(`unknown port ${named}: add it to namedPorts`);
    return port;
  }

  /**
   * Replaces the ports and folders of a text of the page by those of the test.
   * @param {string} text
   * @param {Map<number, number>} [ports]
   */
  translate(text, ports = this.#ports) {
    const places = [
      ["/usr/local/openresty/site/lualib", join(this.folder, "lualib")],
      ["/var/lib/sluice", join(this.folder, "state")],
    ];
    const replaced = [...(this.options.replace ?? []), ...places].reduce(
      (before, [from, to]) =>
        before.replaceAll(typeof from === "string" ? from : new RegExp(from, "g"), () => to),
      text,
    );
    return replaced.replace(/(?<![\d.])\d{4}(?!\d)/g, (digits) =>
      String(ports.get(Number(digits)) ?? digits),
    );
  }

  async #choosePorts() {
    for (const named of namedPorts) this.#ports.set(named, await freePort());
  }

  /**
   * Starts the servers, the gateway and the shell that the page's commands use.
   * @param {string | undefined} pageConf the first whole nginx.conf of the page
   */
  async start(pageConf) {
    await this.#choosePorts();
    const { etcd = false, servers = [9001, 9002, 9003], conf = "nginx.conf", log = [] } = this.options;
    if (etcd) await this.#startEtcd();
    for (const named of servers) await this.#startServer(named);
    const text = conf === "page" ? pageConf : readFileSync(join(root, conf), "utf8");
    if (text === undefined) throw new Error("the page has no whole nginx.conf");
    mkdirSync(join(this.folder, ".sluice"));
    this.gateway = await this.startGateway(text, { folder: this.folder, log });
    const { binary, globalDirectives } = ensureServer();
    this.shell = new Shell(this.context, {
      scripts: this.scripts,
      folder: this.work,
      environment: {
        SLUICE_NGINX: binary,
        SLUICE_GLOBALS: globalDirectives,
        SLUICE_FOLDER: this.folder,
        ETCDCTL_API: "3",
        ETCDCTL_ENDPOINTS: `127.0.0.1:${this.port(2379)}`,
      },
    });
  }

  async #startEtcd() {
    ensureTestTools(["etcd", "etcdctl"]);
    this.etcd = await startEtcd(this.context);
    this.#ports.set(2379, Number(new URL(this.etcd.members[0].url).port));
  }

  /** @param {number} named */
  async #startServer(named) {
    const server = await startDemoServer(this.port(named));
    atEnd(this.context, () => {
      server.closeAllConnections();
      server.close();
    });
  }

  /**
   * Starts a gateway. When the test ends, it is stopped and its log must be clean.
   * @param {string} conf
   * @param {{ folder?: string, apiPort?: number, ports?: Map<number, number>, log?: RegExp[] }} [options]
   */
  async startGateway(conf, options = {}) {
    const {
      folder = makeFolder(this.context, "docs-more"),
      apiPort = 8081,
      ports = this.#ports,
      log = [],
    } = options;
    const gateway = new PageGateway(folder, ports.get(apiPort) ?? apiPort);
    gateway.configure(this.translate(conf, ports));
    // Not all servers of a page's examples exist, and nginx logs failed connections.
    gateway.log.allow(/connect\(\) failed|timed out|no live upstreams|prematurely closed/, ...log);
    atEnd(this.context, async () => {
      await gateway.stop();
      gateway.log.assertClean();
    });
    await gateway.start();
    return gateway;
  }

  /** Starts another gateway besides the page's, on other ports. @param {string} conf */
  async startOther(conf) {
    const ports = new Map(this.#ports);
    for (const named of ports.keys()) if (named > 8000 && named < 9000) ports.set(named, await freePort());
    return this.startGateway(conf, { ports });
  }
}
