/** Reads the metrics of a gateway. */
import assert from "node:assert/strict";

export const OPENMETRICS = "application/openmetrics-text; version=1.0.0";

/** A name of a sample, its labels and its value. */
const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const labelOf = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/g;
const escapes = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

/** @typedef {Record<string, string>} Labels */

/**
 * Parses labels.
 * @param {string} text
 * @returns {Labels}
 */
function parseLabels(text) {
  const found = [...text.matchAll(labelOf)];
  assert.equal(found.map(([whole]) => whole).join(""), text, `labels: ${text}`);
  return Object.fromEntries(
    found.map(([, name, value]) => [name, value.replace(/\\[\\"n]/g, (escape) => escapes[escape])]),
  );
}

/** The metrics of one scrape. */
export class Metrics {
  /** @type {{ name: string, labels: Labels, value: number }[]} */
  samples = [];
  /** The types of the families by name. @type {Map<string, string>} */
  types = new Map();

  /** @param {string} text */
  constructor(text) {
    this.text = text;
    for (const line of text.split("\n")) {
      const [, family, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      if (family !== undefined) {
        assert.ok(!this.types.has(family), `${family} has one place`);
        this.types.set(family, type);
      }
      if (line !== "" && !line.startsWith("#")) {
        const [, name, labels = "", value] = sample.exec(line) ?? assert.fail(`a sample: ${line}`);
        this.samples.push({ name, labels: parseLabels(labels), value: Number(value) });
      }
    }
    const keys = this.samples.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    assert.equal(new Set(keys).size, keys.length, "each series has one sample");
  }

  /**
   * Returns the samples of a name that have some labels.
   * @param {string} name
   * @param {Labels} [labels]
   */
  all(name, labels = {}) {
    return this.samples.filter(
      (one) =>
        one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    );
  }

  /**
   * Returns the value of the only sample of a name that has some labels; undefined: there is none.
   * @param {string} name
   * @param {Labels} [labels]
   */
  value(name, labels) {
    const found = this.all(name, labels);
    assert.ok(found.length <= 1, `${name} ${JSON.stringify(labels)}: ${found.length} samples`);
    return found[0]?.value;
  }

  /**
   * Returns the sum of the samples of a name that have some labels.
   * @param {string} name
   * @param {Labels} [labels]
   */
  sum(name, labels) {
    return this.all(name, labels).reduce((sum, { value }) => sum + value, 0);
  }
}

/**
 * Scrapes a gateway. The answer fits its description.
 * @param {{ api: import("./api.mjs").Api }} gateway
 * @param {string} [query]
 * @param {string} [accept]
 */
export async function scrape({ api }, query = "", accept = undefined) {
  const { status, text } = await api.get(`/api/metrics${query}`, accept === undefined ? {} : { accept });
  assert.equal(status, 200, text);
  return new Metrics(text);
}
