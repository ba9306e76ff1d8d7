import { is_table, json_null, shape, shaped } from "../lib/json";
import { one_of, read_block, read_flag, type Read, type Reader, type ReadersOf } from "./fields";
import { format_problem, invalid_value, missing_argument } from "./problem";
import { read_sticky, type StickyConfig } from "./sticky";
import { parse_template } from "./template";
import { whole_from } from "./values";

const METHOD_NAMES = ["round_robin", "least_conn", "least_time", "random", "hash", "ip_hash"] as const;

/** The balancing methods, by nginx's names. */
export type MethodName = (typeof METHOD_NAMES)[number];

/** What `least_time` compares. */
export interface LeastTimeConfig {
  /** Up to the response's header, or up to its last byte. */
  measure: "header" | "last_byte";
  /** Whether requests under way count too. */
  inflight: boolean;
}

/** Of two servers drawn at random, the better one by this method; without it one is drawn. */
export interface RandomConfig {
  two: "least_conn" | "least_time";
}

/** What `hash` is made of, and how it is laid on the servers. */
export interface HashConfig {
  /** A text with nginx variables. */
  key: string;
  /** Whether most keys stay where they are when the servers change. */
  consistent: boolean;
  /** The most that a server may have, in percent of the average; absent: no bound. */
  balance_factor?: number;
}

/** How an upstream's requests are spread: a method, the parameters of that one, and what overrides it. */
export interface BalancingConfig {
  method: MethodName;
  least_time?: LeastTimeConfig;
  random?: RandomConfig;
  hash?: HashConfig;
  sticky?: StickyConfig;
}

/** Its members, in the order in which they are shown and stored. */
export const BALANCING_FIELDS = ["method", "least_time", "random", "hash", "sticky"] as const;

const BALANCING_SHAPE = shape(BALANCING_FIELDS);

/** The members of every block, and of a cookie, each one's in its order. */
const BLOCK_SHAPE = shape([
  "measure",
  "inflight",
  "two",
  "key",
  "consistent",
  "balance_factor",
  "cookie",
  "route",
  "name",
  "path",
  "domain",
  "expires",
  "httponly",
  "secure",
  "samesite",
]);

/** Copies what says how an upstream is balanced, and nothing else, so that equals have equal JSON texts. Any phase. */
export function balancing_of(from: BalancingConfig): BalancingConfig {
  const copy: Record<string, unknown> = {};
  for (const field of BALANCING_FIELDS) {
    const member = from[field];
    copy[field] = is_table(member) ? shaped(member, BLOCK_SHAPE) : member;
  }
  if (from.sticky?.cookie !== undefined) shaped(from.sticky.cookie, BLOCK_SHAPE);
  return shaped(copy, BALANCING_SHAPE) as unknown as BalancingConfig;
}

const LEAST_TIME_READERS = {
  measure: one_of(["header", "last_byte"]),
  inflight: read_flag,
} satisfies ReadersOf<LeastTimeConfig>;
const LEAST_TIME_DEFAULTS = { measure: "header", inflight: false };

function read_least_time(this: void, path: string, value: unknown): Read {
  return read_block(path, value, LEAST_TIME_READERS, LEAST_TIME_DEFAULTS);
}

const RANDOM_READERS = { two: one_of(["least_conn", "least_time"]) } satisfies ReadersOf<RandomConfig>;

function read_random(this: void, path: string, value: unknown): Read {
  const [random, problem] = read_block(path, value, RANDOM_READERS, {});
  if (random !== undefined && random.two === undefined)
    return $multi(undefined, missing_argument(`${path}.two`));
  return $multi(random, problem);
}

function read_key(this: void, path: string, value: unknown): Read {
  const [parts, reason] = parse_template(value);
  if (parts === undefined) return $multi(undefined, invalid_value(path, reason ?? ""));
  return $multi(value, undefined);
}

const HASH_READERS = {
  key: read_key,
  consistent: read_flag,
  balance_factor: whole_from(100, 100000),
} satisfies ReadersOf<HashConfig>;

function read_hash(this: void, path: string, value: unknown): Read {
  const [hash, problem] = read_block(path, value, HASH_READERS, { consistent: false });
  if (hash === undefined) return $multi(undefined, problem);
  if (hash.key === undefined) return $multi(undefined, missing_argument(`${path}.key`));
  if (hash.balance_factor !== undefined && hash.consistent !== true) {
    return $multi(undefined, invalid_value(`${path}.balance_factor`, 'only if "consistent" is true'));
  }
  return $multi(hash, undefined);
}

const read_method = one_of(METHOD_NAMES);

/** A method's block has the method's name. */
const BLOCK_READERS: [name: "least_time" | "random" | "hash" | "sticky", read: Reader][] = [
  ["least_time", read_least_time],
  ["random", read_random],
  ["hash", read_hash],
  ["sticky", read_sticky],
];

/**
 * Reads how an upstream is balanced, with defaults, or on top of `base` for a change: a block that is given replaces
 * that of before, JSON's null takes it off, and those of another method than before do not outlive the change. Any
 * phase.
 *
 * @param input an object; members that are not in `BALANCING_FIELDS` are left to the caller
 * @returns the configuration, or undefined and the problem
 */
export function read_balancing(
  input: Record<string, unknown>,
  base?: BalancingConfig,
): Read<BalancingConfig> {
  let method = base?.method ?? "round_robin";
  if (input.method !== undefined) {
    const [name, problem] = read_method("method", input.method);
    if (name === undefined) return $multi(undefined, problem);
    method = name as MethodName;
  }
  const config: Record<string, unknown> = { method };
  for (const [name, read] of BLOCK_READERS) {
    const belongs = name === method || name === "sticky";
    const value = input[name];
    if (value === undefined) {
      if (belongs) config[name] = base?.[name];
    } else if (value !== json_null) {
      if (!belongs) return $multi(undefined, format_problem(`"${name}" is for the method "${name}"`));
      const [block, problem] = read(name, value);
      if (problem !== undefined) return $multi(undefined, problem);
      config[name] = block;
    }
  }
  if (method === "least_time") config.least_time ??= { ...LEAST_TIME_DEFAULTS };
  if (method === "hash" && config.hash === undefined) return $multi(undefined, missing_argument("hash.key"));
  return $multi(config as unknown as BalancingConfig, undefined);
}
