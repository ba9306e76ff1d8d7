import { all_problems } from "../../config/all_problems";
import { format_problem, invalid_value, unknown_parameter, type Problem } from "../../config/problem";
import { refuse, type Read } from "../../config/reader";
import type { UpstreamConfig } from "../../config/upstream";
import { decode, is_table, json_null } from "../../lib/json";
import { unknown_key } from "../../lib/tables";
import { is_utf8 } from "../../lib/utf8";
import { read } from "../../store/document/read";
import { NO_CONDITIONS, type Conditions } from "../precondition";
import { not_json } from "../request";
import { read_input, read_patch, read_whole, type Input } from "../sluice/upstream_edits";
import type { GivenUpstream } from "./request";

/** Reads what a change of several upstreams does to one of them. */

/** What a change does to an upstream: deletes, replaces or changes it. */
export type Wanted =
  | { kind: "delete"; conditions: Conditions }
  | { kind: "put"; input: Input; config: UpstreamConfig; conditions: Conditions }
  | { kind: "patch"; input: Input; conditions: Conditions };

/** Takes `if_match` off an object: the ETag of the upstream, or its revision. */
function take_if_match(object: Record<string, unknown>): Read<Conditions> {
  const { if_match } = object;
  object.if_match = undefined;
  if (if_match === undefined) return $multi(NO_CONDITIONS, undefined);
  if (typeof if_match === "number") {
    const match = string.format('"%d"', if_match);
    return $multi({ match, none_match: undefined }, undefined);
  }
  if (typeof if_match !== "string") return refuse("if_match", "must be an ETag or a revision");
  return $multi({ match: if_match, none_match: undefined }, undefined);
}

function patch_in(object: Record<string, unknown>, text: string): Read<Record<string, unknown>> {
  const unknown = unknown_key(object, { patch: true });
  if (unknown !== undefined) return $multi(undefined, unknown_parameter(unknown));
  const { patch } = object;
  // Lua decodes [] and {} to the same value.
  const is_object = string.find(text, '"patch"%s*:%s*{')[0] !== undefined;
  if (!is_table(patch) || !is_object) return refuse("patch", "must be an object");
  return $multi(patch, undefined);
}

/** Returns the problems of an input that is read by `check`: all of them, not only the first. */
function problems_of(input: Input, check: (this: void) => Problem | undefined): readonly Problem[] {
  return all_problems(input.upstream, check);
}

function read_put(
  name: string,
  input: Input,
  conditions: Conditions,
): LuaMultiReturn<[Wanted | undefined, readonly Problem[]]> {
  const [config] = read_whole(name, input);
  if (config !== undefined) return $multi({ kind: "put", input, config, conditions }, []);
  return $multi(
    undefined,
    problems_of(input, () => read_whole(name, input)[1]),
  );
}

/** Reads a change of the present version. Another version may follow until the change is made. */
function read_changed(
  name: string,
  input: Input,
  conditions: Conditions,
): LuaMultiReturn<[Wanted | undefined, readonly Problem[]]> {
  const current = read(name);
  const [, problem] = current === undefined ? [undefined, undefined] : read_patch(input, current);
  if (current === undefined || problem === undefined) return $multi({ kind: "patch", input, conditions }, []);
  return $multi(
    undefined,
    problems_of(input, () => read_patch(input, current)[1]),
  );
}

/** Reads an upstream of the body. Returns what is wanted, or undefined and all problems. */
export function read_given({
  name,
  text,
}: GivenUpstream): LuaMultiReturn<[Wanted | undefined, readonly Problem[]]> {
  const [values, flaw] = decode(`[${text}]`);
  if (values === undefined) return $multi(undefined, [not_json(flaw ?? "")]);
  if (!is_utf8(text)) return $multi(undefined, [not_json("not UTF-8")]);
  const object: unknown = (values as unknown[])[0];
  if (object === json_null) return $multi({ kind: "delete", conditions: NO_CONDITIONS }, []);
  if (!is_table(object) || string.sub(text, 1, 1) !== "{")
    return $multi(undefined, [format_problem("an upstream must be an object or null")]);
  const [conditions, bad_condition] = take_if_match(object);
  if (conditions === undefined) return $multi(undefined, [bad_condition ?? invalid_value("if_match", "")]);
  const is_patch = object.patch !== undefined;
  const [upstream, no_patch] = is_patch ? patch_in(object, text) : [object, undefined];
  if (upstream === undefined) return $multi(undefined, no_patch === undefined ? [] : [no_patch]);
  const [input, ambiguous] = read_input(name, upstream, text);
  if (input === undefined) return $multi(undefined, ambiguous === undefined ? [] : [ambiguous]);
  return is_patch ? read_changed(name, input, conditions) : read_put(name, input, conditions);
}
