import { has_answered_last, read_last_attempt } from "./last_attempt";
import { own_in_flight } from "./view/counters";
import type { LiveServer } from "./view/model";

/**
 * Kept connections that break. A server may close an idle connection just when nginx sends a request over it. nginx
 * repeats such a request and does not count the try (ngx_http_upstream_next). OpenResty has applied its patch
 * balancer_pool_max_retry since 1.29.2.4, and there lua-nginx-module takes the free try back: a request at its last
 * try fails with 502.
 *
 * There, a request whose last try may use a kept connection gets one more try in advance. When the balancer is called
 * for that try, it must decide whether a kept connection broke, and nothing in `ngx.balancer` tells it. It did if the
 * worker could have had one, if the connection was there at once, and if the request was sent: to a server that
 * refuses connections nothing is sent.
 */

/** The release of lua-nginx-module in OpenResty 1.29.2.4. */
const FIRST_TAKING_BACK = 10031;

/** True for an nginx with OpenResty's patches: only those have `ngx.pipe`. */
function is_openresty(): boolean {
  const [is_there] = pcall(require, "ngx.pipe");
  return is_there;
}

/** True where a free try is taken back. */
export const TAKES_BACK_TRIES = ngx.config.ngx_lua_version >= FIRST_TAKING_BACK && is_openresty();

const BAD_GATEWAY = 502;

/** Notes that a server has answered: nginx may keep the connection. The request still counts as under way. Hot. */
export function note_connection(server: LiveServer): void {
  const in_flight = own_in_flight(server);
  if (in_flight > server.connections) server.connections = in_flight;
}

/** Tells whether the request that was just counted for a server may get a kept connection. Hot. */
export function may_use_kept_connection(server: LiveServer): boolean {
  return own_in_flight(server) <= server.connections;
}

/**
 * Tells whether an attempt failed because a kept connection broke. The request still counts as under way.
 *
 * @param status what nginx makes of the failure
 */
export function broke_kept_connection(server: LiveServer, status: number): boolean {
  if (status !== BAD_GATEWAY || server.connections === 0 || has_answered_last()) return false;
  const was_at_once = read_last_attempt("upstream_connect_time") === "0.000";
  const was_sent = (tonumber(read_last_attempt("upstream_bytes_sent")) ?? 0) > 0;
  const could_be_kept = may_use_kept_connection(server);
  // nginx opens a connection only when it keeps none: then only those in use are left.
  const had_none = !was_at_once || !was_sent;
  server.connections = had_none ? math.max(0, own_in_flight(server) - 1) : server.connections - 1;
  return could_be_kept && !had_none;
}
