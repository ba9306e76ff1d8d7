/** nginx's `$upstream_*` variables for the attempt that has failed. Phase: balancer_by_lua, in a retry. */

/**
 * Reads a value of that attempt; `"-"`: it has none. While the balancer runs, nginx has added the next
 * attempt but not its server, so the list ends in ` : `.
 */
export function read_last_attempt(name: string): string | undefined {
  const [value] = string.match(` ${ngx.var[name] ?? ""}`, "^.*[, ]([^, ]+) : $");
  return value;
}

/** Tells whether the server gave a response, which `proxy_next_upstream` takes for a failure. */
export function has_answered_last(): boolean {
  return read_last_attempt("upstream_header_time") !== "-";
}
