import type { ApiOptions } from "../config/options";
import type { Problem } from "../config/problem";
import { is_from_listed_origin } from "./cross_origin";

/** A request to the API needs a permitted host name and origin. client/ decides who may send it. */

function forbidden(code: string, text: string): Problem {
  return { status: 403, code, text };
}

/** Returns the host of an authority, without the port, in lower case. */
function host_of(authority: string): string {
  const [bracketed] = string.match(authority, "^(%[[%x:%.]+%]):?%d*$");
  const [plain] = string.match(authority, "^([^:]*)$");
  const [with_port] = string.match(authority, "^([^:]*):%d*$");
  return string.lower(bracketed ?? plain ?? with_port ?? authority);
}

/**
 * Tells whether a client other than a browser has connected to a unix socket. Clients send arbitrary Host
 * headers there. No DNS name resolves to a unix socket, and a browser reaches it only through a proxy.
 */
function is_without_name(): boolean {
  const peer = ngx.var.realip_remote_addr ?? ngx.var.remote_addr;
  return peer === "unix:" && ngx.var.http_origin === undefined && ngx.var.http_sec_fetch_site === undefined;
}

function check_host(options: ApiOptions): Problem | undefined {
  if (is_without_name()) return undefined;
  const authority = ngx.var.http_host;
  // Browsers always send Host; HTTP/1.0 clients may omit it.
  if (authority === undefined || authority === "") return undefined;
  const host = host_of(authority);
  const is_address =
    string.find(host, "^%d+%.%d+%.%d+%.%d+$")[0] !== undefined ||
    string.find(host, "^%[[%x:%.]+%]$")[0] !== undefined;
  if (is_address || host === "localhost") return undefined;
  for (const known of options.hosts) {
    if (string.lower(known) === host) return undefined;
  }
  return forbidden(
    "HostNotAllowed",
    "the Host header names neither an IP address, localhost nor one of api.hosts",
  );
}

/** Tells whether a browser opens the path in a tab of its own, and not in a frame or by a script. */
function is_navigation(): boolean {
  return ngx.var.http_sec_fetch_mode === "navigate" && ngx.var.http_sec_fetch_dest === "document";
}

function check_site(options: ApiOptions, is_page: boolean): Problem | undefined {
  if (is_from_listed_origin(options) || (is_page && is_navigation())) return undefined;
  const problem = forbidden("CrossSiteRequest", "requests from other sites are refused");
  const site = ngx.var.http_sec_fetch_site;
  if (site !== undefined && site !== "same-origin" && site !== "none") return problem;
  const origin = ngx.var.http_origin;
  if (origin === undefined) return undefined;
  const [authority] = string.match(origin, "^https?://(.+)$");
  if (authority !== undefined && string.lower(authority) === string.lower(ngx.var.http_host ?? ""))
    return undefined;
  return problem;
}

/**
 * Checks the request's host name and origin. Returns the problem if it is refused. Phase: content_by_lua.
 *
 * @param is_page whether the request is for a page without data, which a link of another site may open
 */
export function check_source(options: ApiOptions, is_page: boolean): Problem | undefined {
  return check_host(options) ?? check_site(options, is_page);
}
