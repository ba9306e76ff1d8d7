/** What nginx's `$upstream_*` variables say of the attempt that has just failed. Phase: balancer_by_lua, in a retry. */

/**
 * Reads a value of that attempt. While the balancer runs, nginx has added the next attempt, but not its server: the list
 * then ends in ` : `.
 *
 * @returns undefined if there was no attempt before; `"-"` if nginx has no value for it
 */
export function read_last_attempt(name: string): string | undefined {
  const [value] = string.match(` ${ngx.var[name] ?? ""}`, "^.*[, ]([^, ]+) : $");
  return value;
}

/** Tells whether the server gave a response, which counts as a failure by `proxy_next_upstream`. */
export function has_answered_last(): boolean {
  return read_last_attempt("upstream_header_time") !== "-";
}
