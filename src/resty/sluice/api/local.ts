import type { Problem } from "../config/problem";
import { ip_bytes, is_loopback_ip } from "../lib/ip";
import { sender } from "./sender/sender";

/**
 * Which requests are local: those that a program on this machine has made itself. Without tokens only these may use the
 * API. A request that a stranger has sent through a gateway or another proxy is never local, though it comes from
 * loopback.
 */

/** Headers that only proxies add. */
const PROXY_HEADERS = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via"];

function forbidden(text: string): Problem {
  return { status: 403, code: "Forbidden", text: `${text}, and the API has no token for it` };
}

function is_loopback(address: string | undefined): boolean {
  if (address === undefined || address === "unix:") return true;
  const bytes = ip_bytes(address);
  return bytes !== undefined && is_loopback_ip(bytes);
}

/** The value of a request header. Of several with one name it is enough to know that there is one. */
function header(name: string): string | undefined {
  return ngx.var[`http_${string.gsub(string.lower(name), "-", "_")[0]}`];
}

function proxy_header(): string | undefined {
  for (const name of PROXY_HEADERS) {
    if (header(name) !== undefined) return name;
  }
  // A trusted proxy of this machine may name a client of this machine.
  return is_loopback(header("X-Real-IP")) ? undefined : "X-Real-IP";
}

/** Tells why a request without a valid token is not local. Undefined: it is. Phase: content_by_lua. */
export function check_local(): Problem | undefined {
  // Both the peer and, where a proxy in front is trusted to name it, the client.
  if (!is_loopback(ngx.var.remote_addr) || !is_loopback(ngx.var.realip_remote_addr))
    return forbidden("the request does not come from loopback");
  const name = proxy_header();
  if (name !== undefined) return forbidden(`the request came through a proxy, which has added "${name}"`);
  const who = sender();
  if (who === "nginx") return forbidden("the request came through nginx");
  if (who === "unknown") return forbidden("it is not known which program has sent the request");
  return undefined;
}
