import type { Problem } from "../../config/problem";
import { ip_bytes, is_loopback_ip } from "../../lib/ip";
import { sender } from "../sender/sender";

/**
 * Without tokens, only local requests may use the API: those of a program of this machine. A request that
 * arrives from loopback through a proxy is not local.
 */

/** Headers that only proxies add. */
const PROXY_HEADERS = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via"];

function forbidden(text: string): Problem {
  return { status: 403, code: "Forbidden", text: `${text}, and no token is configured for the API` };
}

function is_loopback(address: string | undefined): boolean {
  if (address === undefined || address === "unix:") return true;
  const bytes = ip_bytes(address);
  return bytes !== undefined && is_loopback_ip(bytes);
}

/** The variables with their values; one of the values if there are several headers of a name. */
const VARIABLES = PROXY_HEADERS.map((name) => `http_${string.gsub(string.lower(name), "-", "_")[0]}`);

function proxy_header(): string | undefined {
  for (const index of $range(0, PROXY_HEADERS.length - 1)) {
    if (ngx.var[VARIABLES[index]] !== undefined) return PROXY_HEADERS[index];
  }
  // A trusted proxy of this machine may name a local client.
  return is_loopback(ngx.var.http_x_real_ip) ? undefined : "X-Real-IP";
}

/** Returns why a request without a valid token is refused; undefined: it is local. Phase: content_by_lua. */
export function check_local(): Problem | undefined {
  // remote_addr is the client that a trusted proxy has named, realip_remote_addr the peer of the connection.
  if (!is_loopback(ngx.var.remote_addr) || !is_loopback(ngx.var.realip_remote_addr))
    return forbidden("the request does not come from loopback");
  const name = proxy_header();
  if (name !== undefined)
    return forbidden(`the request came through a proxy, which has added the header "${name}"`);
  const who = sender();
  if (who === "nginx") return forbidden("the request came through nginx");
  if (who === "unknown") return forbidden("the program that has sent the request cannot be determined");
  return undefined;
}
