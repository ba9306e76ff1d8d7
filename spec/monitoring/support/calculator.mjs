/** Computes what queries of Prometheus must return from the metrics that the gateways send. */

/** @typedef {import("../../gateway/support/metrics.mjs").Metrics} Metrics */
/** @typedef {Record<string, string>} Labels */

/**
 * The metrics of each gateway before and after some traffic.
 *
 * @typedef {object} Scene
 * @property {Map<string, { before: Metrics, after: Metrics }>} gateways by instance
 * @property {number} seconds the length of the window of rates
 */

/**
 * What a query must return.
 *
 * @typedef {object} Expected
 * @property {string[]} by the labels of the result
 * @property {Map<string, number>} values by the values of these labels, joined by spaces
 * @property {number} tolerance part by which a value may differ
 * @property {Map<string, number>} [largest] upper bounds of the values, where `values` are lower bounds
 */

const EXACT = 1e-9;
/**
 * Prometheus extrapolates an increase by up to half of a scrape interval at both ends of the window.
 */
const RATE = 0.25;
/**
 * It extrapolates each bucket by itself, at most to the time at which the bucket was empty. So the responses
 * before the first scrape count in part, and a quantile may be that of the response before or after.
 */
const RANKS = 1;

/** Aggregates numbers. @typedef {(values: number[]) => number} Aggregate */
/** @type {Aggregate} */
const sum = (values) => values.reduce((total, value) => total + value, 0);
/** @type {Aggregate} */
const max = (values) => Math.max(...values);
/** @type {Aggregate} */
const min = (values) => Math.min(...values);
/** @type {Aggregate} */
const mean = (values) => sum(values) / values.length;

/** Computes expected results in a scene. */
export class Calculator {
  /** @param {Scene} scene @param {Labels} [labels] those that all samples must have */
  constructor({ gateways, seconds }, labels = {}) {
    this.gateways = gateways;
    this.seconds = seconds;
    this.labels = labels;
  }

  /**
   * Groups the samples of a metric.
   * @param {string} name
   * @param {string[]} by
   * @param {Labels} labels
   * @param {boolean} increase the value is the increase since the first scrape
   * @returns {Map<string, number[]>}
   */
  #groups(name, by, labels, increase) {
    /** @type {Map<string, number[]>} */
    const groups = new Map();
    for (const [instance, { before, after }] of this.gateways) {
      for (const found of after.all(name, { ...this.labels, ...labels })) {
        const all = { ...found.labels, instance };
        const key = by.map((label) => all[label]).join(" ");
        const from = increase ? (before.value(name, found.labels) ?? 0) : 0;
        groups.set(key, [...(groups.get(key) ?? []), found.value - from]);
      }
    }
    return groups;
  }

  /**
   * @param {Map<string, number[]>} groups
   * @param {string[]} by
   * @param {Aggregate} aggregate
   * @param {number} tolerance
   * @returns {Expected}
   */
  #result(groups, by, aggregate, tolerance) {
    const values = new Map([...groups].map(([key, numbers]) => [key, aggregate(numbers)]));
    return { by, values, tolerance };
  }

  /** The sum of the present values. @param {string} name @param {string[]} [by] @param {Labels} [labels] */
  sum(name, by = [], labels = {}) {
    return this.#result(this.#groups(name, by, labels, false), by, sum, EXACT);
  }

  /** @param {string} name @param {string[]} by @param {Labels} [labels] */
  max(name, by, labels = {}) {
    return this.#result(this.#groups(name, by, labels, false), by, max, EXACT);
  }

  /** @param {string} name @param {string[]} [by] @param {Labels} [labels] */
  mean(name, by = [], labels = {}) {
    return this.#result(this.#groups(name, by, labels, false), by, mean, EXACT);
  }

  /** The number of samples with a value. @param {string} name @param {number} value */
  count(name, value) {
    const numbers = [...this.#groups(name, [], {}, false).values()].flat();
    const found = numbers.filter((number) => number === value).length;
    return { by: [], values: new Map([["", found]]), tolerance: EXACT };
  }

  /** The least ratio of two metrics of a gateway. @param {string} name @param {string} of */
  leastRatio(name, of) {
    const ratios = [...this.gateways.values()].map(
      ({ after }) => Number(after.value(name)) / Number(after.value(of)),
    );
    return { by: [], values: new Map([["", min(ratios)]]), tolerance: RATE };
  }

  /** The increase per second. @param {string} name @param {string[]} [by] @param {Labels} [labels] */
  rate(name, by = [], labels = {}) {
    const groups = this.#groups(name, by, labels, true);
    return this.#result(groups, by, (values) => sum(values) / this.seconds, RATE);
  }

  /** The mean increase per second. @param {string} name */
  meanRate(name) {
    return this.#result(this.#groups(name, [], {}, true), [], (values) => mean(values) / this.seconds, RATE);
  }

  /**
   * The ratio of an increase to another one.
   * @param {Expected} part
   * @param {Expected} whole
   * @returns {Expected}
   */
  ratio(part, whole) {
    const values = new Map(
      [...part.values].map(([key, value]) => [key, value / (whole.values.get(key) ?? 0)]),
    );
    return { by: part.by, values, tolerance: RATE };
  }

  /**
   * Removes values of 0, as `> 0` does.
   * @param {Expected} expected
   * @returns {Expected}
   */
  positive({ by, values, tolerance }) {
    return { by, values: new Map([...values].filter(([, value]) => value > 0)), tolerance };
  }

  /**
   * A quantile of the increase of a histogram, as `histogram_quantile` interpolates it.
   * @param {number} part
   * @param {string} name
   * @param {string[]} [by]
   * @returns {Expected}
   */
  quantile(part, name, by = []) {
    const grown = this.#histograms(name, by, true);
    const whole = this.#histograms(name, by, false);
    /** @param {string} key @param {number} shift */
    const both = (key, shift) =>
      [grown, whole].map((histograms) => quantileOf(part, histograms.get(key) ?? [], shift));
    const values = new Map([...grown.keys()].map((key) => [key, Math.min(...both(key, -RANKS))]));
    const largest = new Map([...grown.keys()].map((key) => [key, Math.max(...both(key, RANKS))]));
    return { by, values, tolerance: RATE, largest };
  }

  /**
   * @param {string} name
   * @param {string[]} by
   * @param {boolean} increase
   * @returns {Map<string, [bound: number, count: number][]>}
   */
  #histograms(name, by, increase) {
    /** @type {Map<string, [bound: number, count: number][]>} */
    const histograms = new Map();
    for (const [key, counts] of this.#groups(`${name}_bucket`, [...by, "le"], {}, increase)) {
      const words = key.split(" ");
      const bound = words.pop() ?? "";
      const group = words.join(" ");
      const all = histograms.get(group) ?? [];
      histograms.set(group, [...all, [bound === "+Inf" ? Infinity : Number(bound), sum(counts)]]);
    }
    return histograms;
  }
}

/**
 * @param {number} part
 * @param {[bound: number, count: number][]} histogram
 * @param {number} shift of the rank, in responses
 */
function quantileOf(part, histogram, shift) {
  const sorted = [...histogram].sort(([one], [other]) => one - other);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return NaN;
  // Above 0, so that empty buckets come before the rank.
  const rank = Math.min(Math.max(part * total + shift, 1e-9), total);
  let [lower, below] = [0, 0];
  for (const [bound, count] of sorted) {
    if (count >= rank)
      return bound === Infinity ? lower : lower + ((bound - lower) * (rank - below)) / (count - below);
    [lower, below] = [bound, count];
  }
  return lower;
}
