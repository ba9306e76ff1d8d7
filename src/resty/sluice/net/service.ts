import { parse_url } from "../lib/url";
import { VERSION } from "../lib/version";
import type { Destination } from "./connection";

/** A service at a URL: where its connections lead and which headers its requests have. */
export interface Service {
  destination: Destination;
  /** `Host` and `User-Agent`. */
  headers: string[];
}

const KEEPALIVE_SECONDS = 30;

/**
 * A service whose connections are kept between requests. Any phase.
 *
 * @param url as `parse_url` reads it
 * @param verify whether its certificate must be valid, if it is `https://`
 * @param purpose tells its connections from others' to the same service
 */
export function service_at(url: string, verify: boolean, purpose: string): Service {
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
    },
    headers: [`Host: ${host}:${port}`, `User-Agent: sluice/${VERSION}`],
  };
}
