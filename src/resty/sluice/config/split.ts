import { is_table } from "../lib/json";
import { read_key } from "./balancing";
import { block, list_of_blocks, optional, required, with_default, type Block, type ConfigOf } from "./block";
import { check_name } from "./name";
import { invalid_value, type Problem } from "./problem";
import { refuse, type Read } from "./reader";
import { number_from } from "./values";

/** A split: other upstreams that share the requests of an upstream. */

const MOST_MEMBERS = 64;
const LARGEST_WEIGHT = 1_000_000;
/** Smaller ones would lose their turns to rounding. */
const SMALLEST_WEIGHT = 0.000_001;
const LONGEST_VARIABLE = 64;
const MOST_VARIABLES = 8;
const LONGEST_VALUE = 1024;
/** A split may contain a split, and so on; the highest one has level 1. */
export const MOST_LEVELS = 8;

function read_member_name(this: void, path: string, value: unknown): Read<string> {
  const problem = check_name(value);
  if (problem !== undefined) return refuse(path, "must be the name of an upstream");
  return $multi(value as string, undefined);
}

const read_number = number_from(0, LARGEST_WEIGHT);

function read_weight(this: void, path: string, value: unknown): Read<number> {
  const [weight, problem] = read_number(path, value);
  if (weight === undefined || weight === 0 || weight >= SMALLEST_WEIGHT) return $multi(weight, problem);
  return refuse(path, "must be 0 or at least 0.000001");
}

function read_value(path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value === "" || value.length > LONGEST_VALUE)
    return refuse(path, `must be a string of 1 to ${LONGEST_VALUE} bytes`);
  if (string.find(value, "%c")[0] !== undefined) return refuse(path, "must not contain control characters");
  return $multi(value, undefined);
}

function is_variable(name: unknown): name is string {
  if (typeof name !== "string" || name.length > LONGEST_VARIABLE) return false;
  return string.find(name, "^%$[%a_][%w_]*$")[0] !== undefined;
}

/** Reads values by the names of nginx variables. Any phase. */
function read_match(this: void, path: string, value: unknown): Read<Record<string, string>> {
  if (!is_table(value) || (value as unknown as unknown[])[0] !== undefined)
    return refuse(path, "must be an object");
  const match: Record<string, string> = {};
  let count = 0;
  for (const [name, its_value] of pairs(value)) {
    if (!is_variable(name))
      return refuse(
        path,
        'must have names of nginx variables of at most 64 characters, such as "$http_x_canary"',
      );
    const [text, problem] = read_value(`${path}.${name}`, its_value);
    if (text === undefined) return $multi(undefined, problem);
    match[name] = text;
    count += 1;
  }
  if (count === 0 || count > MOST_VARIABLES)
    return refuse(path, `must have 1 to ${MOST_VARIABLES} variables`);
  return $multi(match, undefined);
}

/** A member of a split. */
export const SPLIT_MEMBER = block({
  /** Name of the upstream. */
  upstream: required(read_member_name),
  /** Share of the requests relative to the other members, from 0 to 1000000: 0, or at least 0.000001. */
  weight: with_default(read_weight, 1),
  /**
   * Texts by nginx variables, such as `{ ["$http_x_canary"] = "always" }`. A request for which all are equal
   * goes to this member, whatever its weight. Default: none.
   */
  match: optional(read_match),
});

/** Other upstreams that share the requests of an upstream. */
export const SPLIT = block(
  {
    /**
     * A text with at least one nginx variable, such as `"$cookie_user"`: requests with the same value have
     * the same member. Default: none, requests are assigned in turn.
     */
    by: optional(read_key),
    /** The upstreams. */
    members: required(list_of_blocks(SPLIT_MEMBER, MOST_MEMBERS)),
  },
  (path, { members }) => {
    const known = new LuaSet<string>();
    let total = 0;
    for (const index of $range(0, members.length - 1)) {
      const { upstream, weight } = members[index];
      if (known.has(upstream))
        return invalid_value(`${path}.members[${index}].upstream`, `duplicate member "${upstream}"`);
      known.add(upstream);
      total += weight;
    }
    return total > 0 ? undefined : invalid_value(`${path}.members`, "must have a weight above 0");
  },
);
export type SplitConfig = ConfigOf<typeof SPLIT>;

/** The settings that a split may have. Others concern servers, which it does not have. */
const ALLOWED = { split: true, owner: true };

/** Checks that a split has no settings that concern servers. Returns the problem. */
export function check_split(
  { names, options }: Block,
  settings: { readonly split?: SplitConfig },
): Problem | undefined {
  if (settings.split === undefined) return undefined;
  for (const name of names) {
    const { default_value } = (options as Record<string, { default_value?: unknown }>)[name];
    const value = (settings as Record<string, unknown>)[name];
    if (!(name in ALLOWED) && value !== default_value)
      return invalid_value(name, 'cannot be combined with "split", whose members have their own settings');
  }
  return undefined;
}
