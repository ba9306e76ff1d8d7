import { server_name_of } from "../config/check_request";
import type { HealthCheckConfig } from "../config/health_check";
import { VERSION } from "../lib/version";
import type { Tls } from "../net/connection";
import { format_request, type Need } from "../net/request";

/** What a health check sends, prepared for many probes. Any phase. */

export const USER_AGENT = `sluice/${VERSION} (health check)`;

/** Returns the names of the headers of a check, sorted, so that each probe sends the same bytes. */
export function header_names({ headers }: HealthCheckConfig): string[] {
  const names: string[] = [];
  for (const [name] of pairs(headers ?? {})) names.push(name);
  table.sort(names);
  return names;
}

/** Formats the request of a check of the type `http` or `https`. */
export function http_request(upstream: string, config: HealthCheckConfig): string {
  const { method = "GET", uri, host = upstream, headers = {}, body } = config;
  const names = header_names(config);
  const given = new LuaSet<string>();
  for (const name of names) given.add(string.lower(name));
  const lines = [`Host: ${host}`];
  if (!given.has("user-agent")) lines.push(`User-Agent: ${USER_AGENT}`);
  if (!given.has("accept")) lines.push("Accept: */*");
  lines.push("Connection: keep-alive");
  for (const name of names) lines.push(`${name}: ${headers[name]}`);
  return format_request(method, uri, lines, method === "POST" ? (body ?? "") : undefined);
}

/** Returns the parameters of TLS for a check; undefined: no TLS. */
export function tls_of(upstream: string, { type, host, verify }: HealthCheckConfig): Tls | undefined {
  if (type !== "https") return undefined;
  return { server_name: host === undefined ? upstream : server_name_of(host), verify: verify === true };
}

/** Tells what a check needs of the body of an answer. */
export function need_of({ method, match, report }: HealthCheckConfig): Need {
  if (method === "HEAD") return "none";
  return match?.body === undefined && report === undefined ? "nothing" : "beginning";
}
