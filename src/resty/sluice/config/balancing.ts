import { json_null } from "../lib/json";
import { block, optional, required, with_default, type ConfigOf } from "./block";
import { invalid_value, missing_value, type Problem } from "./problem";
import { refuse, type Read } from "./reader";
import { LEAST_LOAD } from "./least_load";
import { STICKY } from "./sticky";
import { parse_template } from "./template";
import { one_of, read_flag, whole_from } from "./values";

/** A balancing method, by nginx's name. */
export type MethodName =
  "round_robin" | "least_conn" | "least_time" | "least_load" | "random" | "hash" | "ip_hash";

const METHOD_NAMES: MethodName[] = [
  "round_robin",
  "least_conn",
  "least_time",
  "least_load",
  "random",
  "hash",
  "ip_hash",
];

/** Parameters of the method `least_time`. */
export const LEAST_TIME = block({
  /** Time to compare: up to the response's header or up to its last byte. */
  measure: with_default(one_of(["header", "last_byte"]), "header"),
  /** Count the requests in flight too. */
  inflight: with_default(read_flag, false),
});

/** Parameters of the method `random`: two servers are drawn, and the better one gets the request. */
export const RANDOM = block({
  /** Method that compares the two servers. */
  two: required(one_of(["least_conn", "least_time"])),
});

/** Reads a text with at least one nginx variable, whose value assigns a request. Any phase. */
export function read_key(this: void, path: string, value: unknown): Read<string> {
  const [parts, reason] = parse_template(value);
  if (parts === undefined) return refuse(path, reason ?? "");
  return $multi(value as string, undefined);
}

/** Parameters of the method `hash`. */
export const HASH = block(
  {
    /** A text with at least one nginx variable, such as `"$remote_addr$uri"`. */
    key: required(read_key),
    /** Keep the server of most keys when the servers change. */
    consistent: with_default(read_flag, false),
    /**
     * Most requests in flight of one server, in percent of the mean; only with `consistent`. Default: none.
     */
    balance_factor: optional(whole_from(100, 100000)),
    /**
     * Requests in flight that a server may have above the mean, whatever `balance_factor` is; only with that.
     * Default: 0.
     */
    balance_slack: optional(whole_from(0, 100000)),
  },
  (path, { balance_factor, balance_slack, consistent }) => {
    if (balance_factor !== undefined && !consistent)
      return invalid_value(`${path}.balance_factor`, 'requires that "consistent" is true');
    if (balance_slack !== undefined && balance_factor === undefined)
      return invalid_value(`${path}.balance_slack`, 'requires "balance_factor"');
    return undefined;
  },
);

/** How requests are distributed: a method, its parameters, and what takes precedence over it. */
export const BALANCING = block({
  /** How the server of a request is chosen. */
  method: with_default(one_of(METHOD_NAMES), "round_robin"),
  /** Parameters of the method `least_time`. */
  least_time: optional(LEAST_TIME),
  /** Parameters of the method `least_load`. */
  least_load: optional(LEAST_LOAD),
  /** Parameters of the method `random`. Default: none, one server is drawn. */
  random: optional(RANDOM),
  /** Parameters of the method `hash`, which requires them. */
  hash: optional(HASH),
  /** Binds clients to servers, with any method. Default: none. */
  sticky: optional(STICKY),
});
export type BalancingConfig = ConfigOf<typeof BALANCING>;

/** Checks that the parameters are those of the method, and removes blocks of another method. */
export function check_method(config: BalancingConfig, input: Record<string, unknown>): Problem | undefined {
  const { method } = config;
  for (const name of ["least_time", "least_load", "random", "hash"] as const) {
    if (name !== method) {
      const is_given = input[name] !== undefined && input[name] !== json_null;
      if (is_given) return invalid_value(name, `requires the method "${name}"`);
      (config as Record<string, unknown>)[name] = undefined;
    }
  }
  if (method === "least_time" && config.least_time === undefined)
    (config as Record<string, unknown>).least_time = LEAST_TIME.read("least_time", {})[0];
  if (method === "least_load" && config.least_load === undefined)
    (config as Record<string, unknown>).least_load = LEAST_LOAD.read("least_load", {})[0];
  if (method === "hash" && config.hash === undefined) return missing_value("hash.key");
  return undefined;
}
