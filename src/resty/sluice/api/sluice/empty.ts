import { invalid_value, type Problem } from "../../config/problem";
import { is_table } from "../../lib/json";

/** The objects that may be `{}`, which means their defaults. */
const OBJECTS = [
  ["least_time"],
  ["least_load"],
  ["health_check"],
  ["health_check", "headers"],
  ["health_check", "match"],
  ["health_check", "agent"],
  ["health_check", "match", "headers"],
  ["outlier_detection"],
  ["retries"],
  ["retries", "budget"],
  ["adaptive_limit"],
  ["load"],
  ["zones"],
  ["discovery"],
  ["discovery", "etcd", "tls"],
  ["discovery", "consul", "tls"],
  ["discovery", "consul_kv", "tls"],
  ["discovery", "docker"],
  ["discovery", "docker", "tls"],
  ["discovery", "kubernetes", "tls"],
];

function is_empty(value: unknown): boolean {
  return is_table(value) && next(value)[0] === undefined;
}

/** Returns the value at a path; undefined: there is none. */
function member_at(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const name of path) value = is_table(value) ? value[name] : undefined;
  return value;
}

/** Tells whether a JSON text has a member `name` that is an object. */
function has_object(text: string, name: string): boolean {
  for (const [found] of string.gmatch(text, '"([%w_]+)"%s*:%s*{')) {
    if (found === name) return true;
  }
  return false;
}

/**
 * Checks empty lists and objects, which Lua decodes to the same value: `{}` as the servers must not empty the
 * upstream, and `[]` is not an object of defaults. `text` is the JSON text of `input`. Any phase.
 */
export function check_empty(input: Record<string, unknown>, text: string): Problem | undefined {
  if (is_empty(input.servers) && string.find(text, '"servers"%s*:%s*%[')[0] === undefined)
    return invalid_value("servers", "must be a list");
  for (const path of OBJECTS) {
    const name = path[path.length - 1];
    if (is_empty(member_at(input, path)) && !has_object(text, name))
      return invalid_value(table.concat(path, "."), "must be an object");
  }
  return undefined;
}
