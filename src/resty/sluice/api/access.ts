import type { ApiOptions } from "../config/options";
import type { Problem } from "../config/problem";
import { check_content_type } from "./content_type";
import { is_from_listed_origin } from "./cross_origin";
import { check_local } from "./local";

/** Access to the API needs a token, or a local client, and a permitted origin and host name. */

function forbidden(code: string, text: string): Problem {
  return { status: 403, code, text };
}

/** Compares all bytes of the digests, so that the time taken does not depend on the token. */
function equal_in_constant_time(a: string, b: string): boolean {
  const digest_a = ngx.sha1_bin(a);
  const digest_b = ngx.sha1_bin(b);
  let different = 0;
  for (const index of $range(1, digest_a.length)) {
    different |= string.byte(digest_a, index) ^ string.byte(digest_b, index);
  }
  return different === 0;
}

function is_one_of(token: string, tokens: readonly string[]): boolean {
  let found = false;
  for (const known of tokens) {
    if (equal_in_constant_time(token, known)) found = true;
  }
  return found;
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

/** Returns the token of the scheme Bearer, or the password of the scheme Basic with any user name. */
function given_token(): string | undefined {
  const [scheme, credentials] = string.match(ngx.var.http_authorization ?? "", "^(%a+) +(%S+) *$");
  const name = string.lower(scheme ?? "");
  if (name === "bearer") return credentials;
  if (name !== "basic") return undefined;
  return string.match(ngx.decode_base64(credentials ?? "") ?? "", "^[^:]*:(.*)$")[0];
}

function check_token(options: ApiOptions, is_write: boolean): Problem | undefined {
  const wanted = is_write ? options.write_tokens : options.read_tokens;
  const token = given_token();
  if (token !== undefined && is_one_of(token, options.write_tokens)) return undefined;
  const may_read = token !== undefined && is_one_of(token, options.read_tokens);
  if (may_read && !is_write) return undefined;
  if (wanted.length === 0) return check_local();
  if (may_read) return forbidden("Forbidden", "this token may only read");
  return {
    status: 401,
    code: "Unauthorized",
    text: "a valid token is needed: Authorization: Bearer …, or Basic with the token as the password",
  };
}

/**
 * Checks the request's host name and origin. Returns the problem if it is refused. Phase: content_by_lua.
 *
 * @param is_page whether the request is for a page without data, which a link of another site may open
 */
export function check_source(options: ApiOptions, is_page: boolean): Problem | undefined {
  return check_host(options) ?? check_site(options, is_page);
}

/** Returns the problem of a client without permission. Phase: content_by_lua, after `check_source`. */
export function check_access(options: ApiOptions, is_write: boolean): Problem | undefined {
  return check_token(options, is_write) ?? (is_write ? check_content_type() : undefined);
}

/**
 * Tells whether the client of a request that may read may also write. A refused token is not told apart from
 * one that may only read. Phase: content_by_lua.
 */
export function may_write(options: ApiOptions): boolean {
  if (!options.write) return false;
  const is_without_tokens = options.write_tokens.length === 0 && options.read_tokens.length === 0;
  // The client is local: without tokens, no other one may read either.
  return is_without_tokens || check_token(options, true) === undefined;
}
