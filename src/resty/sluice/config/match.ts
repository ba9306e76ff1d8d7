import { is_table, shape, shaped } from "../lib/json";
import { regex_fault } from "../lib/regex";
import { read_block, type Read, type ReadersOf } from "./fields";
import { invalid_value, type Problem } from "./problem";
import { parse_status_ranges } from "./status_ranges";

/** What a response to a check must be like to pass. */
export interface MatchConfig {
  /** Codes and ranges, as `parse_status_ranges` reads them. */
  status: string;
  /** By its name in lower case, what must be found in the value of a header, a regular expression; "": it must be there. */
  headers?: Record<string, string>;
  /** What must be found in the body, a regular expression. */
  body?: string;
}

const LONGEST_REGEX = 1024;
const LONGEST_NAME = 64;
const MOST_HEADERS = 16;

function bad(path: string, reason: string): LuaMultiReturn<[undefined, Problem]> {
  return $multi(undefined, invalid_value(path, reason));
}

function read_regex(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string") return bad(path, "not a string");
  if (value.length > LONGEST_REGEX) return bad(path, `longer than ${LONGEST_REGEX} bytes`);
  const fault = regex_fault(value);
  if (fault === undefined) return $multi(value, undefined);
  // It quotes the expression, and what setup raises is one line.
  const [shown] = string.gsub(string.sub(fault, 1, 256), "%c", "?");
  return bad(path, `not a regular expression: ${shown}`);
}

function read_body(this: void, path: string, value: unknown): Read<string> {
  if (value === "") return bad(path, "empty");
  return read_regex(path, value);
}

function read_headers(this: void, path: string, value: unknown): Read<Record<string, string>> {
  if (!is_table(value)) return bad(path, "not an object");
  const headers: Record<string, string> = {};
  let count = 0;
  for (const [name, its_value] of pairs(value)) {
    if (typeof name !== "string") return bad(path, "not an object");
    if (
      name === "" ||
      name.length > LONGEST_NAME ||
      string.find(name, "[^%l%d!#$%%&'*+.^_`|~-]")[0] !== undefined
    )
      return bad(path, `a name is not that of a header in lower case, of at most ${LONGEST_NAME} bytes`);
    const [regex, problem] = read_regex(`${path}.${name}`, its_value);
    if (regex === undefined) return $multi(undefined, problem);
    headers[name] = regex;
    count += 1;
  }
  if (count > MOST_HEADERS) return bad(path, `more than ${MOST_HEADERS}`);
  return $multi(headers, undefined);
}

function read_status(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string") return bad(path, "not a string");
  const [ranges, reason] = parse_status_ranges(value);
  if (ranges === undefined) return bad(path, reason ?? "");
  return $multi(value, undefined);
}

const READERS = {
  status: read_status,
  headers: read_headers,
  body: read_body,
} satisfies ReadersOf<MatchConfig>;
const SHAPE = shape(["status", "headers", "body"]);

/** Reads what a response must be like, with nginx's default: any status of 200 to 399. Any phase. */
export function read_match(this: void, path: string, value: unknown): Read {
  return read_block(path, value, READERS, { status: "200-399" });
}

/** Has its members written in their order. Returns it. */
export function shaped_match(match: MatchConfig): MatchConfig {
  return shaped(match, SHAPE);
}
