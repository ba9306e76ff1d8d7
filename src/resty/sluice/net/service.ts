import { UNIX } from "../lib/address_rules";
import type { Result } from "../lib/result";
import { parse_url } from "../lib/url";
import { VERSION } from "../lib/version";
import type { Destination } from "./connection";
import { format_request, request, type Answer } from "./request";
import { wait_for } from "./wait";

/** A service at a URL: the address of its connections and the headers of its requests. */
export interface Service {
  destination: Destination;
  /** `Host` and `User-Agent`. */
  headers: string[];
}

const KEEPALIVE_SECONDS = 30;

/** Makes a service at a unix socket, `unix:/path`. */
function service_at_socket(host: string, purpose: string): Service {
  return {
    destination: {
      host,
      port: 0,
      tls: undefined,
      pool: { pool: `sluice ${purpose} ${host}` },
      keepalive_time: KEEPALIVE_SECONDS,
      opened: 0,
      is_guarded: true,
    },
    headers: ["Host: localhost", `User-Agent: sluice/${VERSION}`],
  };
}

/**
 * Makes a service whose connections are kept between requests. Any phase.
 *
 * @param url `http://…`, `https://…` or `unix:/path`
 * @param verify true: the certificate of an `https://` URL must be valid
 * @param purpose part of the pool's name, so that different users of a service do not share connections
 */
export function service_at(url: string, verify: boolean, purpose: string): Service {
  if (string.sub(url, 1, UNIX.length) === UNIX) return service_at_socket(url, purpose);
  const [parsed] = parse_url(url);
  const { is_tls, host, port } = parsed ?? error(`not a URL: ${url}`);
  const [name] = string.gsub(host, "[%[%]]", "");
  return {
    destination: {
      host,
      port,
      tls: is_tls ? { server_name: name, verify } : undefined,
      pool: { pool: `sluice ${purpose} ${url} ${tostring(verify)}` },
      keepalive_time: KEEPALIVE_SECONDS,
      opened: 0,
      is_guarded: true,
    },
    headers: [`Host: ${host}:${port}`, `User-Agent: sluice/${VERSION}`],
  };
}

/** Formats a request to a service, with the service's headers after the given ones. Any phase. */
export function service_request(
  { headers }: Service,
  method: string,
  uri: string,
  own_headers: readonly string[],
  body?: string,
): string {
  return format_request(method, uri, own_headers.concat(headers), body);
}

/** The cause of a failure when an answer is larger than `limit` bytes. */
export function too_large(limit: number): string {
  return string.format("the answer is larger than %d bytes", limit);
}

/**
 * Sends a request to a service as `request` does, and gives up when `is_over` returns true. An answer of
 * which `limit` bytes were read is refused: the rest may be missing.
 */
export function ask_service(
  { destination }: Service,
  text: string,
  timeout: number,
  limit: number,
  is_over: (this: void) => boolean,
  longest = timeout,
): Result<Answer> {
  const [answer, cause] = wait_for(() => request(destination, text, timeout, limit, longest), is_over);
  if (answer !== undefined && answer.body.length >= limit) return $multi(undefined, too_large(limit));
  return $multi(answer, cause);
}
