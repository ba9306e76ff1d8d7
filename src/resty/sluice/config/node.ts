import { is_table } from "../lib/json";
import { read_fields, type Read, type Readers } from "./fields";
import { invalid_value, missing_argument } from "./problem";
import { text_to } from "./texts";
import { time_from } from "./values";

/** How a server has registered itself. */
export interface NodeConfig {
  /** Its own name in the upstream. */
  name: string;
  /** An nginx time after which it is removed unless it renews its registration. */
  ttl: string;
  /** Changes with each start of it, if it says so: then it is another server, with nothing of the one before. "": it does not say. */
  incarnation: string;
  /** Whatever it wants to be known of it. */
  meta?: Record<string, string> | undefined;
}

const LONGEST_NAME = 128;
const MOST_META = 32;
const LONGEST_META = 256;

const read_name = text_to(LONGEST_NAME);
const read_member_name = text_to(64);
const read_member = text_to(LONGEST_META);
const read_incarnation_text = text_to(64);

function read_incarnation(this: void, path: string, value: unknown): Read<string> {
  return read_incarnation_text(path, typeof value === "number" ? string.format("%.14g", value) : value);
}

function read_meta(this: void, path: string, value: unknown): Read<Record<string, string> | undefined> {
  if (!is_table(value)) return $multi(undefined, invalid_value(path, "not an object"));
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
  if (count > MOST_META) return $multi(undefined, invalid_value(path, `more than ${MOST_META} members`));
  // So that one without members is stored as one that was not given.
  return $multi(count === 0 ? undefined : meta, undefined);
}

const READERS: Readers = {
  ttl: time_from("1s", "1d"),
  incarnation: read_incarnation,
  meta: read_meta,
};

/**
 * Reads a registration. Any phase.
 *
 * @param name the node's
 * @param input an object: `ttl`, `incarnation` and `meta`, which are taken off it, beside parameters of a server
 * @returns the registration, or undefined and the problem
 */
export function read_node(name: string, input: Record<string, unknown>): Read<NodeConfig> {
  const [known, bad_name] = read_name("node", name);
  if (known === undefined) return $multi(undefined, bad_name);
  const given: Record<string, unknown> = {};
  for (const [member] of pairs(READERS)) {
    given[member] = input[member];
    input[member] = undefined;
  }
  const [fields, problem] = read_fields(given, "", READERS);
  if (fields === undefined) return $multi(undefined, problem);
  if (fields.ttl === undefined) return $multi(undefined, missing_argument("ttl"));
  return $multi(
    {
      name,
      ttl: fields.ttl as string,
      incarnation: (fields.incarnation as string | undefined) ?? "",
      meta: fields.meta as Record<string, string> | undefined,
    },
    undefined,
  );
}
