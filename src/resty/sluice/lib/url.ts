import { ip_bytes, ip_text } from "./ip";
import type { Result } from "./result";

/** The address of a service: the part of a URL before its path. */
export interface Url {
  is_tls: boolean;
  /** An IP address, IPv6 in brackets and in canonical form, or a name. */
  host: string;
  port: number;
}

const LARGEST_PORT = 65535;
const PORTS: Record<string, number> = { http: 80, https: 443 };

/** Returns an IPv6 address in canonical form, because nginx does not accept all; another text unchanged. */
function canonical_host(bracketed: string): string {
  const bytes = ip_bytes(string.sub(bracketed, 2, -2));
  return bytes === undefined ? bracketed : `[${ip_text(bytes)}]`;
}

/** Parses `http://host:port` or `https://host:port`; the port is optional. Pure. */
export function parse_url(text: string): Result<Url> {
  const [scheme, authority] = string.match(text, "^(https?)://([^/]+)/?$");
  if (scheme === undefined)
    return $multi(undefined, "must be http:// or https:// and a host, without a path");
  let [host, port_text] = string.match(authority, "^(%[[%x:.]+%])(.*)$");
  if (host !== undefined) host = canonical_host(host);
  else [host, port_text] = string.match(authority, "^([%w._-]+)(.*)$");
  if (host === undefined) return $multi(undefined, "the host must be an address or a name");
  if (port_text === "") return $multi({ is_tls: scheme === "https", host, port: PORTS[scheme] }, undefined);
  const [digits] = string.match(port_text, "^:(%d+)$");
  const port = tonumber(digits) ?? 0;
  if (port < 1 || port > LARGEST_PORT) return $multi(undefined, "the port must be a number from 1 to 65535");
  return $multi({ is_tls: scheme === "https", host, port }, undefined);
}
