/** Debian's Prometheus with the configuration of examples/monitoring/. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { root } from "../../../scripts/setup.mjs";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { signal, startGroup } from "../../gateway/support/processes.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

export const exampleFolder = join(root, "examples", "monitoring");

/** @param {string} name of a file of the example */
export const readExample = (name) => readFileSync(join(exampleFolder, name), "utf8");

/**
 * A result of a query: labels and a value.
 *
 * @typedef {object} Series
 * @property {Record<string, string>} metric
 * @property {number} value
 */

export class Prometheus {
  /** @param {number} port */
  constructor(port) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** @param {string} path @param {Record<string, string>} parameters */
  async #get(path, parameters) {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = /** @type {any} */ (await response.json());
    if (status !== "success") throw new Error(`${JSON.stringify(parameters)}: ${error}`);
    return data;
  }

  /**
   * Evaluates an expression now.
   * @param {string} query
   * @returns {Promise<Series[]>}
   */
  async query(query) {
    const { result } = await this.#get("query", { query });
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /**
   * Returns what the gateways say of a metric: its type, its unit and its help.
   * @param {string} metric
   * @returns {Promise<{ type: string, unit: string, help: string }[]>}
   */
  metadata(metric) {
    return this.#get("targets/metadata", { metric });
  }

  /** Returns the targets that are scraped. @returns {Promise<any[]>} */
  async targets() {
    return (await this.#get("targets", { state: "active" })).activeTargets;
  }
}

/**
 * Starts Prometheus with the example's files; only the targets and the intervals differ.
 * @param {import("node:test").TestContext} context
 * @param {string[]} targets
 * @returns {Promise<Prometheus>}
 */
export async function startPrometheus(context, targets) {
  const folder = makeFolder(context, "prometheus");
  const configuration = parse(readExample("prometheus.yml"));
  configuration.global = { scrape_interval: "1s", evaluation_interval: "1s" };
  configuration.scrape_configs[0].static_configs[0].targets = targets;
  writeFileSync(join(folder, "prometheus.yml"), stringify(configuration));
  writeFileSync(join(folder, "rules.yml"), readExample("rules.yml"));
  const port = await freePort();
  const child = startGroup("prometheus", [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text) => (output += text));
  child.on("error", (cause) => (output += cause.message));
  atEnd(context, () => child.pid && signal(-child.pid, "SIGKILL"));
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor("Prometheus is ready", isReady).catch(() => {
    throw new Error(`Prometheus does not start: ${output}`);
  });
  return new Prometheus(port);
}

/**
 * Waits until Prometheus has scraped each gateway after now.
 * @param {Prometheus} prometheus
 * @param {number} count the number of gateways
 */
export async function scraped(prometheus, count = 2) {
  const from = Date.now();
  await waitFor("each gateway is scraped", async () => {
    const targets = await prometheus.targets();
    // Prometheus takes some seconds to read its configuration.
    if (targets.length < count) return false;
    return targets.every(({ lastScrape, health }) => health === "up" && Date.parse(lastScrape) > from);
  });
}
