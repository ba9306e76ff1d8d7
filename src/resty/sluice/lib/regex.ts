/**
 * What is wrong with a regular expression; undefined: nothing. Any phase; plain LuaJIT, which has no PCRE, finds nothing
 * wrong.
 */
export function regex_fault(regex: string): string | undefined {
  if ((ngx as Ngx | undefined) === undefined) return undefined;
  const [, , cause] = ngx.re.find("", regex);
  return cause;
}
