import { is_table } from "../lib/json";
import { block, optional, required, with_default } from "./block";
import { refuse, type Read } from "./reader";
import { text_to } from "./texts";
import { time_from } from "./values";

/** How a server has registered itself. */
export interface NodeConfig {
  /** The node's name, unique in the upstream. */
  name: string;
  /** An nginx time after which the server is removed unless it renews its registration. */
  ttl: string;
  /** Changes with each start of the server. A restarted server keeps nothing. "": unknown. */
  incarnation: string;
  /** Data about the node for other clients of the API. */
  meta?: Record<string, string> | undefined;
}

const MOST_META = 32;

const read_name = text_to(128);
const read_member_name = text_to(64);
const read_member = text_to(256);
const read_incarnation_text = text_to(64);

function read_incarnation(this: void, path: string, value: unknown): Read<string> {
  return read_incarnation_text(path, typeof value === "number" ? string.format("%.14g", value) : value);
}

function read_meta(this: void, path: string, value: unknown): Read<Record<string, string>> {
  if (!is_table(value)) return refuse(path, "must be an object");
  const meta: Record<string, string> = {};
  let count = 0;
  for (const [name, member] of pairs(value)) {
    const [known, bad_name] = read_member_name(path, name);
    if (known === undefined) return $multi(undefined, bad_name);
    const [text, bad] = read_member(`${path}.${known}`, member);
    if (text === undefined) return $multi(undefined, bad);
    meta[known] = text;
    count += 1;
  }
  if (count > MOST_META) return refuse(path, `must not have more than ${MOST_META} members`);
  // An empty object is stored like one that was not given.
  return $multi(count === 0 ? undefined : meta, undefined);
}

const REGISTRATION = block({
  ttl: required(time_from("1s", "1d")),
  incarnation: with_default(read_incarnation, ""),
  meta: optional(read_meta),
});

/**
 * Reads the registration of the node `name`. Its members are removed from `input`, which may also hold
 * parameters of a server. Any phase.
 */
export function read_node(name: string, input: Record<string, unknown>): Read<NodeConfig> {
  const [known, bad_name] = read_name("node", name);
  if (known === undefined) return $multi(undefined, bad_name);
  const given: Record<string, unknown> = {};
  for (const member of REGISTRATION.names) {
    given[member] = input[member];
    input[member] = undefined;
  }
  const [fields, problem] = REGISTRATION.read("", given);
  if (fields === undefined) return $multi(undefined, problem);
  return $multi({ name, ttl: fields.ttl, incarnation: fields.incarnation, meta: fields.meta }, undefined);
}
