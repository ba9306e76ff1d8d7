import type { MatchConfig } from "../config/match";
import { parse_status_ranges } from "../config/status_ranges";
import { search } from "../lib/regex";
import { new_pause } from "../lib/pause";
import type { Answer } from "../net/request";

/** The conditions that the answer of a healthy server meets, prepared for many answers. */
export interface Match {
  /** Ranges of status codes: first, last, first, last, … */
  ranges: number[];
  headers: HeaderMatch[];
  /** A regular expression; undefined: any body. */
  body: string | undefined;
}

interface HeaderMatch {
  name: string;
  /** A regular expression; empty: any value. */
  value: string;
}

const DEFAULT: MatchConfig = { status: "200-399" };

/** Prepares the conditions of a configuration. Any phase. */
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

/** Says why a text does not match; undefined: it matches. `what` names the text. */
function text_mismatch(what: string, text: string, regex: string): string | undefined {
  const [is_found, cause] = search(text, regex);
  if (is_found === true) return undefined;
  return cause === undefined ? `${what} does not match` : `${what} does not match: ${cause}`;
}

/** Says which of its conditions an answer with a good status does not meet; undefined: it meets all. */
function mismatch_of_content(match: Match, answer: Answer): string | undefined {
  const pause = new_pause();
  for (const { name, value } of match.headers) {
    const header = answer.headers[name];
    if (header === undefined) return `the header "${name}" is missing`;
    const wrong = value === "" ? undefined : text_mismatch(`the header "${name}"`, header, value);
    if (wrong !== undefined) return wrong;
    pause();
  }
  return match.body === undefined ? undefined : text_mismatch("the body", answer.body, match.body);
}

/**
 * Says what was returned instead of an answer that meets the conditions, such as "returned 503"; undefined:
 * it meets all. Phases that can sleep.
 */
export function mismatch(match: Match, answer: Answer): string | undefined {
  if (!is_in(answer.status, match.ranges)) return `returned ${answer.status}`;
  const wrong = mismatch_of_content(match, answer);
  return wrong === undefined ? undefined : `returned ${answer.status}, but ${wrong}`;
}
