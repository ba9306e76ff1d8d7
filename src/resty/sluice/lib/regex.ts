import type { Result } from "./result";

/**
 * Regular expressions for servers' answers. PCRE backtracks, so its work is bounded in two ways: the match
 * limit ends exponential searches, but does not count the bytes that one step reads, so the subject is
 * bounded as well. Both together allow about 10 ms.
 */

/** The maximum number of bytes of a text that are searched. */
export const LONGEST_SUBJECT = 8192;

/** The bounds of PCRE, as the beginning of a pattern. The pattern itself can only lower them. */
const LIMITS = "(*LIMIT_MATCH=50000)(*LIMIT_RECURSION=2000)";

/** Compiled once, by PCRE's JIT. */
const OPTIONS = "jo";

/** Returns the error of a regular expression. Plain LuaJIT, without PCRE, finds none. Any phase. */
export function regex_fault(regex: string): string | undefined {
  if ((ngx as Ngx | undefined) === undefined) return undefined;
  const [, , cause] = ngx.re.find("", regex);
  return cause;
}

/**
 * Searches the first `LONGEST_SUBJECT` bytes; undefined: it took too many steps. Phases that have `ngx.re`.
 */
export function search(text: string, regex: string): Result<boolean> {
  const [from, , cause] = ngx.re.find(string.sub(text, 1, LONGEST_SUBJECT), LIMITS + regex, OPTIONS);
  if (cause !== undefined) return $multi(undefined, "the search took too many steps");
  return $multi(from !== undefined, undefined);
}
