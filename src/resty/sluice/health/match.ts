import type { MatchConfig } from "../config/health";
import { parse_status_ranges } from "../config/status_ranges";
import type { Answer } from "../net/request";

/** What an answer must be like for its server to be well, read once and applied to many. */
export interface Match {
  /** Status codes: the first and the last of each range, in turn. */
  ranges: number[];
  headers: HeaderMatch[];
  /** A regular expression. */
  body: string | undefined;
}

interface HeaderMatch {
  name: string;
  /** A regular expression; empty: any value will do. */
  value: string;
}

const DEFAULT: MatchConfig = { status: "200-399" };

/** Compiled once, by PCRE's JIT. */
const REGEX_OPTIONS = "jo";

/** Reads what the configuration says. Any phase. */
export function new_match(config: MatchConfig | undefined): Match {
  const { status, headers, body } = config ?? DEFAULT;
  const ranges: number[] = [];
  for (const [first, last] of parse_status_ranges(status)[0] ?? []) {
    ranges.push(first);
    ranges.push(last);
  }
  const matched: HeaderMatch[] = [];
  for (const [name, value] of pairs(headers ?? {})) matched.push({ name: string.lower(name), value });
  table.sort(matched, (a, b) => a.name < b.name);
  return { ranges, headers: matched, body };
}

function is_in(status: number, ranges: readonly number[]): boolean {
  for (const index of $range(0, ranges.length - 1, 2)) {
    if (status >= ranges[index] && status <= ranges[index + 1]) return true;
  }
  return false;
}

function is_found(text: string, pattern: string): boolean {
  return ngx.re.find(text, pattern, REGEX_OPTIONS)[0] !== undefined;
}

/** What is wrong with an answer, in words; undefined: nothing. Phases that have `ngx.re`, as the other functions here. */
export function mismatch(match: Match, answer: Answer): string | undefined {
  if (!is_in(answer.status, match.ranges)) return `status ${answer.status}`;
  for (const { name, value } of match.headers) {
    const header = answer.headers[name];
    if (header === undefined) return `no header ${name}`;
    if (value !== "" && !is_found(header, value)) return `header ${name} does not match`;
  }
  if (match.body !== undefined && !is_found(answer.body, match.body)) return "body does not match";
  return undefined;
}
