/**
 * Regular expressions of the configuration, applied to servers' answers. PCRE backtracks, so its work is
 * bounded in two ways. The match limit ends exponential searches; PCRE's JIT honours it too. It does not
 * count the bytes that one step reads, so the subject is bounded as well. Both bounds together allow about 10
 * ms.
 */

/** The maximum number of bytes of a text that are searched. */
export const LONGEST_SUBJECT = 8192;

/**
 * The bounds of PCRE, as the beginning of a pattern. A second statement in the pattern itself can only lower
 * them.
 */
const LIMITS = "(*LIMIT_MATCH=50000)(*LIMIT_RECURSION=2000)";

/** Compiled once, by PCRE's JIT. */
const OPTIONS = "jo";

/**
 * Returns the error of a regular expression; undefined: it is valid. Any phase. Plain LuaJIT, which has no
 * PCRE, finds no error.
 */
export function regex_fault(regex: string): string | undefined {
  if ((ngx as Ngx | undefined) === undefined) return undefined;
  const [, , cause] = ngx.re.find("", regex);
  return cause;
}

/**
 * Searches the first `LONGEST_SUBJECT` bytes of a text. Phases that have `ngx.re`.
 *
 * @returns whether the expression was found; undefined and the cause when the search took too many steps
 */
export function search(
  text: string,
  regex: string,
): LuaMultiReturn<[boolean | undefined, string | undefined]> {
  const [from, , cause] = ngx.re.find(string.sub(text, 1, LONGEST_SUBJECT), LIMITS + regex, OPTIONS);
  if (cause !== undefined) return $multi(undefined, "the search took too many steps");
  return $multi(from !== undefined, undefined);
}
