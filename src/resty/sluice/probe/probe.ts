import type { HealthCheckConfig } from "../config/health";
import type { LoadConfig } from "../config/load";
import { seconds_of } from "../config/time";
import { expiry_of } from "../health/reported";
import * as clock from "../lib/clock";
import { VERSION } from "../lib/version";
import {
  close_connection,
  is_shortage,
  is_timeout,
  open_connection,
  type Destination,
  type Tls,
} from "../net/connection";
import { format_request, request, type Answer } from "../net/request";
import { mismatch, new_match, type Match } from "./match";

/** How the servers of one upstream are probed: their `health_check`, read once. */
export interface Check {
  config: HealthCheckConfig;
  /** The upstream's revision when this was read last. */
  revision: number;
  /** Seconds. */
  interval: number;
  jitter: number;
  timeout: number;
  keepalive_time: number;
  /** What is sent; undefined: nothing, to connect is enough. */
  request: string | undefined;
  tls: Tls | undefined;
  match: Match;
  /** How long a report of a load counts. */
  report_expiry: number;
  /** Whether the servers' weights follow their loads. */
  follows_load: boolean;
}

/** How much of a body is read. */
const LARGEST_BODY = 65536;

/** Reads the `health_check` of an upstream. Any phase. */
export function new_check(
  upstream: string,
  revision: number,
  config: HealthCheckConfig,
  load: LoadConfig | undefined,
): Check {
  const headers = [
    `Host: ${upstream}`,
    `User-Agent: sluice/${VERSION} (health check)`,
    "Accept: */*",
    "Connection: keep-alive",
  ];
  return {
    config,
    revision,
    interval: seconds_of(config.interval),
    jitter: seconds_of(config.jitter),
    timeout: seconds_of(config.timeout),
    keepalive_time: seconds_of(config.keepalive_time),
    request: config.type === "tcp" ? undefined : format_request("GET", config.uri, headers),
    tls: config.type === "https" ? { server_name: upstream, verify: false } : undefined,
    match: new_match(config.match),
    report_expiry: expiry_of(load),
    follows_load: load !== undefined,
  };
}

/** What a probe finds that has no answer. */
function failure(
  check: Check,
  cause: string,
): LuaMultiReturn<[boolean | undefined, string, Answer | undefined]> {
  if (is_timeout(cause)) return $multi(false, `no answer within ${check.config.timeout}`, undefined);
  return $multi(is_shortage(cause) ? undefined : false, cause, undefined);
}

/**
 * Probes a server once. Phases that have cosockets.
 *
 * @returns whether it is well, undefined when the probe could not be made; why or why not, in words; and the answer,
 * if there was one
 */
export function probe(
  check: Check,
  destination: Destination,
): LuaMultiReturn<[boolean | undefined, string, Answer | undefined]> {
  if (check.request === undefined) {
    const [connection, cause] = open_connection(destination, clock.now() + check.timeout);
    if (connection === undefined) return failure(check, cause ?? "");
    close_connection(connection);
    return $multi(true, "connected", undefined);
  }
  const [answer, cause] = request(destination, check.request, check.timeout, LARGEST_BODY);
  if (answer === undefined) return failure(check, cause ?? "");
  const wrong = mismatch(check.match, answer);
  if (wrong !== undefined) return $multi(false, wrong, answer);
  return $multi(true, `status ${answer.status}`, answer);
}
