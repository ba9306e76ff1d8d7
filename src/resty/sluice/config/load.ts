import { shape, shaped } from "../lib/json";
import { read_block, type Read, type ReadersOf } from "./fields";
import { number_from, time_from, whole_from } from "./values";

/** How what servers report of their load changes their weights. Times are nginx times, as they were spelled. */
export interface LoadConfig {
  /** A server's utilization above this counts twice. */
  target: number;
  /** From one change of the weights to the next. */
  update: string;
  /** A server that begins to report keeps its configured weight for so long. */
  blackout: string;
  /** A report counts for so long. */
  expiry: string;
  /** The most that one change may move a weight. */
  max_step_percent: number;
  /** The least that is left of a configured weight. */
  min_weight_percent: number;
  /** How much the part of requests that end in errors adds to the utilization. */
  error_penalty: number;
}

const READERS = {
  target: number_from(0.01, 1),
  update: time_from("100ms", "1h"),
  blackout: time_from("0s", "1h"),
  expiry: time_from("1s", "1d"),
  max_step_percent: whole_from(1, 100),
  min_weight_percent: whole_from(1, 100),
  error_penalty: number_from(0, 1000),
} satisfies ReadersOf<LoadConfig>;

/** Envoy's, where it has such a one. */
const DEFAULTS = {
  target: 0.7,
  update: "1s",
  blackout: "10s",
  expiry: "3m",
  max_step_percent: 20,
  min_weight_percent: 5,
  error_penalty: 1,
};

const SHAPE = shape([
  "target",
  "update",
  "blackout",
  "expiry",
  "max_step_percent",
  "min_weight_percent",
  "error_penalty",
]);

/** Reads how loads change weights, with defaults. Any phase. */
export function read_load(this: void, path: string, value: unknown): Read {
  return read_block(path, value, READERS, DEFAULTS);
}

/** Has its members written in their order. Returns it. */
export function shaped_load(load: LoadConfig): LoadConfig {
  return shaped(load, SHAPE);
}
