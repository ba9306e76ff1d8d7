import { is_table } from "../lib/json";
import { regex_fault } from "../lib/regex";
import { block, optional, with_default, type ConfigOf } from "./block";
import { refuse, type Read } from "./reader";
import { parse_status_ranges } from "./status_ranges";

const LONGEST_REGEX = 1024;
const LONGEST_NAME = 64;
const MOST_HEADERS = 16;

function read_regex(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string") return refuse(path, "must be a string");
  if (value.length > LONGEST_REGEX) return refuse(path, `must not be longer than ${LONGEST_REGEX} bytes`);
  const fault = regex_fault(value);
  if (fault === undefined) return $multi(value, undefined);
  // The fault quotes the expression, which may contain line ends; `setup` raises a single line.
  const [shown] = string.gsub(string.sub(fault, 1, 256), "%c", "?");
  return refuse(path, `must be a regular expression: ${shown}`);
}

function read_body(this: void, path: string, value: unknown): Read<string> {
  if (value === "") return refuse(path, "must not be empty");
  return read_regex(path, value);
}

function read_headers(this: void, path: string, value: unknown): Read<Record<string, string>> {
  if (!is_table(value)) return refuse(path, "must be an object");
  const headers: Record<string, string> = {};
  let count = 0;
  for (const [name, its_value] of pairs(value)) {
    if (typeof name !== "string") return refuse(path, "must be an object");
    if (
      name === "" ||
      name.length > LONGEST_NAME ||
      string.find(name, "[^%l%d!#$%%&'*+.^_`|~-]")[0] !== undefined
    )
      return refuse(path, `must have names of headers, in lower case and of at most ${LONGEST_NAME} bytes`);
    const [regex, problem] = read_regex(`${path}.${name}`, its_value);
    if (regex === undefined) return $multi(undefined, problem);
    headers[name] = regex;
    count += 1;
  }
  if (count > MOST_HEADERS) return refuse(path, `must not have more than ${MOST_HEADERS} headers`);
  return $multi(headers, undefined);
}

function read_status(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string") return refuse(path, "must be a string");
  const [ranges, reason] = parse_status_ranges(value);
  if (ranges === undefined) return refuse(path, reason ?? "");
  return $multi(value, undefined);
}

/** Conditions that a response to a check must meet to pass. The defaults are nginx's. */
export const MATCH = block({
  /** Status codes and ranges, such as `"200 204 300-399"`. */
  status: with_default(read_status, "200-399"),
  /** Regular expressions (PCRE) by the names of headers in lower case; `""` requires the header only. */
  headers: optional(read_headers),
  /** A regular expression (PCRE) that must match in the first 8 KiB of the body. */
  body: optional(read_body),
});
export type MatchConfig = ConfigOf<typeof MATCH>;
