import type { ApiOptions } from "../config/options";
import type { Problem } from "../config/problem";
import type { Read } from "../config/reader";
import { read_file } from "../lib/file";
import { decode, is_table } from "../lib/json";
import { decode_object } from "../lib/json_items";
import { rest_now } from "../lib/rest";
import type { Result } from "../lib/result";
import { is_utf8 } from "../lib/utf8";
import type { Client } from "./client/client";
import type { Conditions } from "./precondition";

export interface ApiRequest {
  method: string;
  options: ApiOptions;
  /** The variable parts of the path, by their names in the route. */
  parameters: Record<string, string>;
  /** The conditions that a change must meet. */
  conditions: Conditions;
  /** Who has sent it. It has a role that the route needs, and sees the upstream that the path names. */
  client: Client;
  /** The upstreams that a change concerns whose path names none, for the audit log. The handler sets it. */
  named_upstreams?: readonly string[];
}

const LARGEST_BODY = 1048576;

function too_large(largest: number): Problem {
  return { status: 413, code: "BodyTooLarge", text: `the body is larger than ${largest} bytes` };
}

/** Reads the body as text; "": there is none. Phase: content_by_lua. */
export function read_text(largest = LARGEST_BODY): Read<string> {
  const announced = tonumber(ngx.var.http_content_length);
  if (announced !== undefined && announced > largest) return $multi(undefined, too_large(largest));
  ngx.req.read_body();
  const in_memory = ngx.req.get_body_data();
  if (in_memory !== undefined)
    return $multi(in_memory, in_memory.length > largest ? too_large(largest) : undefined);
  const path = ngx.req.get_body_file();
  if (path === undefined) return $multi("", undefined);
  const [text, cause] = read_file(path, largest + 1);
  if (text !== undefined) return $multi(text, text.length > largest ? too_large(largest) : undefined);
  const reason = `could not read the body: ${cause ?? ""}`;
  return $multi(undefined, { status: 400, code: "BodyReadError", text: reason });
}

/** Returns the problem of a body that is not a JSON object. */
export function not_json(reason: string): Problem {
  return { status: 415, code: "JsonError", text: `the body is not a JSON object: ${reason}` };
}

/** A longer body is decoded in steps. */
const LONG_BODY = 65536;

function decode_body(text: string): Result<unknown> {
  const object = text.length > LONG_BODY ? decode_object(text, rest_now) : undefined;
  if (object !== undefined) return $multi(object, undefined);
  // The decoder knows the reason why a text is not JSON.
  return decode(text);
}

function object_of(
  text: string | undefined,
  unreadable: Problem | undefined,
): LuaMultiReturn<[Record<string, unknown> | undefined, string, Problem | undefined]> {
  if (text === undefined || unreadable !== undefined) return $multi(undefined, "", unreadable);
  const [value, cause] = decode_body(text);
  const [first] = string.match(text, "^%s*(.)");
  if (!is_table(value) || first !== "{") return $multi(undefined, "", not_json(cause ?? "not an object"));
  if (!is_utf8(text)) return $multi(undefined, "", not_json("not UTF-8"));
  return $multi(value, text, undefined);
}

/** Reads the body, which must be a JSON object. Returns it and its text. Phase: content_by_lua. */
export function read_object(): LuaMultiReturn<
  [Record<string, unknown> | undefined, string, Problem | undefined]
> {
  const [text, unreadable] = read_text();
  return object_of(text, unreadable);
}

/** Reads the body, which may be absent and counts as {} then. Phase: content_by_lua. */
export function read_object_if_any(): Read<Record<string, unknown>> {
  const [text, unreadable] = read_text();
  if (text === "" && unreadable === undefined) return $multi({}, undefined);
  const [object, , problem] = object_of(text, unreadable);
  return $multi(object, problem);
}

/** Returns the first value of a query argument; "": it has none; undefined: it is absent. */
export function argument(name: string): string | undefined {
  const value = ngx.req.get_uri_args(16)[name];
  const first = is_table(value) ? (value as unknown as (string | true)[])[0] : value;
  return first === true ? "" : (first as string | undefined);
}
