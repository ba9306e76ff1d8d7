/** A real DNS server: dnsmasq, with its configuration in a temporary folder. */
import { Resolver } from "node:dns/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureTestTools } from "../../../../scripts/setup.mjs";
import { makeFolder } from "../folder.mjs";
import { freePort } from "../ports.mjs";
import { Program } from "./program.mjs";

/** A name that always exists. */
const marker = "marker.example";

export class Dns extends Program {
  /** The name in the titles of the contract. */
  name = "dns";
  complaints = [/recv\(\) failed \(111: Connection refused\)/];
  /** @type {{ server: string, weight?: number }[]} */
  #servers = [];

  /** @param {string} folder @param {number} port */
  constructor(folder, port) {
    const configuration = join(folder, "dnsmasq.conf");
    const log = join(folder, "log");
    const user = process.getuid?.() === 0 ? ["--user=root"] : [];
    const place = [`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file="];
    const what = ["--no-resolv", "--no-hosts", "--cache-size=0", `--conf-file=${configuration}`];
    const logs = ["--log-queries", `--log-facility=${log}`];
    const resolver = new Resolver({ timeout: 200, tries: 1 });
    resolver.setServers([`127.0.0.1:${port}`]);
    super("dnsmasq", ["--keep-in-foreground", ...user, ...place, ...what, ...logs], async () => {
      return (await resolver.resolve4(marker).catch(() => [])).length > 0;
    });
    this.configuration = configuration;
    this.log = log;
    this.address = `127.0.0.1:${port}`;
    this.#write([]);
  }

  /** @param {string[]} lines */
  #write(lines) {
    const all = ["local=/example/", `host-record=${marker},127.0.0.1`, ...lines];
    writeFileSync(this.configuration, `${all.join("\n")}\n`);
  }

  /**
   * Sets the lines of dnsmasq.conf for names below "example". dnsmasq reads them at its start.
   * @param {string[]} lines
   */
  async serve(lines) {
    await this.stop();
    this.#write(lines);
    await this.start();
  }

  /** Returns the number of queries for records of a name. @param {string} type @param {string} name */
  countQueries(type, name) {
    return readFileSync(this.log, "utf8").split(`query[${type}] ${name} `).length - 1;
  }

  /** @param {object} [more] other members of `discovery.dns` */
  discovery(more = {}) {
    const ttl = { min_ttl: "200ms", max_ttl: "200ms" };
    return { dns: { name: "_app._tcp.example", type: "SRV", resolvers: [this.address], ...ttl, ...more } };
  }

  /**
   * @param {{ server: string, weight?: number }[]} servers
   * @param {string[]} [more] lines
   */
  set(servers, more = []) {
    this.#servers = servers;
    const hosts = new Set(servers.map(({ server }) => server.split(":")[0]));
    const nameOf = (host) => `host-${host.replaceAll(".", "-")}.example`;
    return this.serve([
      ...[...hosts].map((host) => `host-record=${nameOf(host)},${host}`),
      ...servers.map(({ server, weight = 0 }) => {
        const [host, port] = server.split(":");
        return `srv-host=_app._tcp.example,${nameOf(host)},${port},0,${weight}`;
      }),
      ...more,
    ]);
  }

  /** Adds a server without an address. */
  async addBad() {
    await this.set(this.#servers, ["srv-host=_app._tcp.example,nowhere.example,80"]);
    return "nowhere.example";
  }
}

/**
 * Starts a DNS server that ends with the test.
 * @param {import("node:test").TestContext} context
 */
export async function startDns(context) {
  ensureTestTools(["dnsmasq"]);
  const dns = new Dns(makeFolder(context, "dns"), await freePort());
  dns.endWith(context);
  await dns.start();
  return dns;
}
