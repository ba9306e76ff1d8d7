import type { HealthCheckConfig } from "../config/health_check";
import type { MethodName } from "../config/balancing";
import { load_sources, type LoadSources } from "../config/load_source";
import type { UpstreamSettings } from "../config/settings";
import { seconds_of } from "../config/time";
import { expiry_of } from "../health/reported";
import * as clock from "../lib/clock";
import {
  close_connection,
  is_refused_handshake,
  is_shortage,
  is_timeout,
  is_unconnected,
  open_connection,
  type Destination,
  type Tls,
} from "../net/connection";
import { call_grpc, type FormattedCall } from "../net/grpc";
import { request, type Answer, type Need } from "../net/request";
import { GRPC_METHOD, health_call, judge_grpc } from "./grpc";
import { mismatch, new_match, type Match } from "./match";
import { http_request, need_of, tls_of } from "./request";

/** The `health_check` of an upstream, prepared for many probes. */
export interface Check {
  config: HealthCheckConfig;
  /** The revision of the upstream to which the check was last applied. */
  revision: number;
  /** Times in seconds. */
  interval: number;
  jitter: number;
  timeout: number;
  keepalive_time: number;
  /** The request; undefined: a connection is enough, or there is a call. */
  request: string | undefined;
  /** The call of gRPC; undefined: the check has another type. */
  call: FormattedCall | undefined;
  /** The path or the method of the request, for the reasons of results. The query may have secrets. */
  path: string;
  tls: Tls | undefined;
  /** What is needed of the body of an answer. */
  need: Need;
  match: Match;
  /** How long a report is used, in seconds. */
  report_expiry: number;
  /** The method of the upstream. */
  method: MethodName;
  /** Where the answers report the load; undefined: only in the members of ORCA for it. */
  load_sources: LoadSources | undefined;
  /** True: the weights of the servers follow their loads. */
  follows_load: boolean;
}

/** Limit of the part of a body that is read, in bytes. */
const LARGEST_BODY = 65536;

/** Prepares the `health_check` of an upstream. Any phase. */
export function new_check(
  upstream: string,
  revision: number,
  config: HealthCheckConfig,
  { method, load, least_load }: Pick<UpstreamSettings, "method" | "load" | "least_load">,
): Check {
  const { type } = config;
  const is_http = type === "http" || type === "https";
  const timeout = seconds_of(config.timeout);
  return {
    config,
    revision,
    interval: seconds_of(config.interval),
    jitter: seconds_of(config.jitter),
    timeout,
    keepalive_time: seconds_of(config.keepalive_time),
    request: is_http ? http_request(upstream, config) : undefined,
    call: type === "grpc" ? health_call(upstream, config, timeout) : undefined,
    path: is_http ? string.match(config.uri, "^[^?]*")[0] : GRPC_METHOD,
    tls: tls_of(upstream, config),
    need: need_of(config),
    match: new_match(config.match),
    report_expiry: expiry_of(load),
    method,
    load_sources: load_sources({ load, least_load }),
    follows_load: load !== undefined,
  };
}

/** Says what verifies a certificate, if that has failed. */
function verified_by(tls: Tls | undefined, cause: string): string {
  if (tls?.verify !== true || !is_refused_handshake(cause)) return "";
  return `; nginx's lua_ssl_trusted_certificate must have its issuer, and it must be for "${tls.server_name}"`;
}

/** Says why there was no answer, or no connection. */
function why_none({ path, config, tls }: Check, cause: string): string {
  if (is_unconnected(cause))
    return is_timeout(cause) ? `it accepted no connection within ${config.timeout}` : cause;
  if (is_timeout(cause)) return `${path} did not answer within ${config.timeout}`;
  return `${path}: ${cause}${verified_by(tls, cause)}`;
}

function failed_probe(
  check: Check,
  cause: string,
): LuaMultiReturn<[boolean | undefined, string, Answer | undefined]> {
  return $multi(is_shortage(cause) ? undefined : false, why_none(check, cause), undefined);
}

function probe_grpc(
  check: Check,
  call: FormattedCall,
  destination: Destination,
): LuaMultiReturn<[boolean | undefined, string, Answer | undefined]> {
  const [answer, cause] = call_grpc(destination, call, check.timeout);
  if (answer === undefined) return failed_probe(check, cause ?? "");
  const [passed, what] = judge_grpc(answer, check.config.grpc_status);
  return $multi(passed, `${check.path} ${what}`, undefined);
}

/**
 * Probes a server once. Phases that have cosockets.
 *
 * @returns whether the server has passed, undefined: the probe could not be made; the reason; and the answer
 */
export function probe(
  check: Check,
  destination: Destination,
): LuaMultiReturn<[boolean | undefined, string, Answer | undefined]> {
  if (check.call !== undefined) return probe_grpc(check, check.call, destination);
  if (check.request === undefined) {
    const [connection, cause] = open_connection(destination, clock.now() + check.timeout);
    if (connection === undefined) return failed_probe(check, cause ?? "");
    close_connection(connection);
    return $multi(true, "it accepts connections", undefined);
  }
  const [answer, cause] = request(
    destination,
    check.request,
    check.timeout,
    LARGEST_BODY,
    check.timeout,
    check.need,
  );
  if (answer === undefined) return failed_probe(check, cause ?? "");
  const wrong = mismatch(check.match, answer);
  if (wrong !== undefined) return $multi(false, `${check.path} ${wrong}`, answer);
  return $multi(true, `${check.path} returned ${answer.status}`, answer);
}
