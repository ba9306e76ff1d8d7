import { has_answered_last, read_last_attempt } from "./last_attempt";
import { own_in_flight } from "./view/counters";
import { type LiveServer, Own } from "./view/model";

/**
 * Kept connections that break. A server may close an idle connection just when nginx sends a request over it.
 * nginx repeats such a request and does not count the try. Since 1.29.2.4, OpenResty has the patch
 * balancer_pool_max_retry, with which lua-nginx-module takes the free try back: a request at its last try
 * fails with 502.
 *
 * In these versions, a request whose last try may use a kept connection gets one more try in advance. When
 * the balancer runs for that try, it must decide whether a kept connection broke, which `ngx.balancer` does
 * not tell. It did if the worker could have had one, it was there at once, and the request was sent.
 */

/** The release of lua-nginx-module in OpenResty 1.29.2.4. */
const FIRST_TAKING_BACK = 10031;

/** Tells whether nginx has OpenResty's patches: only then `ngx.pipe` exists. */
function is_openresty(): boolean {
  const [is_there] = pcall(require, "ngx.pipe");
  return is_there;
}

/** True if lua-nginx-module takes free tries back. */
export const TAKES_BACK_TRIES = ngx.config.ngx_lua_version >= FIRST_TAKING_BACK && is_openresty();

const BAD_GATEWAY = 502;

/**
 * Notes that nginx may keep a connection to a server that answered a request. Hot.
 *
 * @param in_flight the requests of this worker at the server, with that request
 */
export function note_connection(server: LiveServer, in_flight: number): void {
  if (in_flight > server[Own.CONNECTIONS]) server[Own.CONNECTIONS] = in_flight;
}

/** Tells whether a request that was just counted at a server may get a kept connection. Hot. */
export function may_use_kept_connection(server: LiveServer): boolean {
  return own_in_flight(server) <= server[Own.CONNECTIONS];
}

/** Tells whether an attempt, still under way, failed with `status` because a kept connection broke. */
export function broke_kept_connection(server: LiveServer, status: number): boolean {
  if (status !== BAD_GATEWAY || server[Own.CONNECTIONS] === 0 || has_answered_last()) return false;
  const was_at_once = read_last_attempt("upstream_connect_time") === "0.000";
  const was_sent = (tonumber(read_last_attempt("upstream_bytes_sent")) ?? 0) > 0;
  const could_be_kept = may_use_kept_connection(server);
  // nginx opens a connection only if it keeps none. Then only connections in use are left.
  const had_none = !was_at_once || !was_sent;
  server[Own.CONNECTIONS] = had_none ? math.max(0, own_in_flight(server) - 1) : server[Own.CONNECTIONS] - 1;
  return could_be_kept && !had_none;
}
