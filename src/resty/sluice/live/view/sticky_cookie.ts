import { has_variables, is_domain, type CookieConfig } from "../../config/sticky";
import { seconds_of } from "../../config/time";
import * as clock from "../../lib/clock";
import { template_reader, type KeyReader } from "./key";
import { type Binding, type LiveServer, Own } from "./model";

/**
 * `sticky.cookie`: the cookie is a keyed hash of the server's identity, so it cannot be guessed and does not
 * reveal the address of the server.
 */

const TOKEN_BYTES = 16;
/** The values that nginx uses for `max`: the last second that 32 bits hold, and ten years. */
const LAST_SECOND = 2145916555;
const LONGEST_AGE = 315360000;

/** Returns the cookie value of a server, 32 hexadecimal digits. One that is added again gets a new one. */
function token_of(secret: string, server: LiveServer): string {
  const digest = ngx.hmac_sha1(secret, string.format("%d %d", server.id, server.incarnation));
  const digits: string[] = [];
  for (const index of $range(1, TOKEN_BYTES)) digits.push(string.format("%02x", string.byte(digest, index)));
  return table.concat(digits);
}

/** Sets a cookie in the response, instead of one that an earlier attempt of the request has set. */
function set_cookie(name: string, text: string): void {
  const start = `${name}=`;
  const cookies: string[] = [];
  const others = ngx.header["Set-Cookie"];
  for (const other of typeof others === "string" ? [others] : (others ?? [])) {
    if (string.sub(other, 1, start.length) !== start) cookies.push(other);
  }
  cookies.push(text);
  ngx.header["Set-Cookie"] = cookies;
}

/** Returns the attributes that are the same in every response. */
function attributes_of({ path, domain, httponly, secure, samesite }: CookieConfig): string {
  const parts = [""];
  if (domain !== undefined && !has_variables(domain)) parts.push(`domain=${domain}`);
  if (httponly) parts.push("httponly");
  if (secure) parts.push("secure");
  if (samesite !== undefined) parts.push(`samesite=${samesite}`);
  if (path !== "") parts.push(`path=${path}`);
  return table.concat(parts, "; ");
}

/** Makes the writer of the expiry; undefined: the cookie ends with the client's session. */
function new_expiry(expires: string | undefined): ((this: void) => string) | undefined {
  if (expires === undefined) return undefined;
  const last = `; expires=${ngx.cookie_time(LAST_SECOND)}; max-age=${LONGEST_AGE}`;
  if (expires === "max") return () => last;
  const seconds = math.floor(seconds_of(expires));
  return () => `; expires=${ngx.cookie_time(math.floor(clock.wall_time()) + seconds)}; max-age=${seconds}`;
}

/** Returns the attribute for the domain that a request names; "" if it names no valid domain. */
function domain_attribute(domain: string | undefined): string {
  return domain === undefined || !is_domain(domain) ? "" : `; domain=${domain}`;
}

/** Makes the reader of a domain with variables. Returns undefined if there is none. */
function new_domain_reader(domain: string | undefined): KeyReader | undefined {
  return domain === undefined || !has_variables(domain) ? undefined : template_reader(domain);
}

export function new_cookie_binding(config: CookieConfig, secret: string): Binding {
  const { name } = config;
  const variable = `cookie_${name}`;
  const attributes = attributes_of(config);
  const expiry = new_expiry(config.expires);
  const read_domain = new_domain_reader(config.domain);
  const server_of = new LuaTable<string, LiveServer | undefined>();
  const tokens = new LuaTable<LiveServer, string>();

  function join(this: void, server: LiveServer): void {
    const token = token_of(secret, server);
    server_of.set(token, server);
    tokens.set(server, token);
  }

  function leave(this: void, server: LiveServer): void {
    server_of.delete(tokens.get(server));
    tokens.delete(server);
  }

  function find(this: void, is_backup: boolean): LiveServer | undefined {
    const token = ngx.var[variable];
    const server = token === undefined ? undefined : server_of.get(token);
    return server === undefined || server[Own.DOWN] || server[Own.PARAMETERS].backup !== is_backup
      ? undefined
      : server;
  }

  /** Sets the cookie, unless the client has it and keeps it, and no earlier attempt has set another. */
  function bind(this: void, server: LiveServer, is_retry: boolean): void {
    const token = tokens.get(server);
    if (expiry === undefined && !is_retry && ngx.var[variable] === token) return;
    const end = expiry === undefined ? "" : expiry();
    const domain = read_domain === undefined ? "" : domain_attribute(read_domain());
    set_cookie(name, `${name}=${token}${end}${domain}${attributes}`);
  }

  return { join, leave, find, bind };
}
