import { block, optional, required, with_default, type ConfigOf } from "./block";
import { check_request, read_host, read_request_body, read_request_headers, read_uri } from "./check_request";
import { MATCH } from "./match";
import { invalid_value, type Problem } from "./problem";
import { refuse, type Read } from "./reader";
import { text_to } from "./texts";
import { one_of, read_flag, time_from, whole_from } from "./values";

const LONGEST_SEND = 256;
/** Large enough for every use; a larger number is probably a mistake. */
const MOST_RESULTS = 1000;

const TYPES = ["http", "https", "tcp", "grpc"] as const;
type CheckType = (typeof TYPES)[number];
const read_known_type = one_of(TYPES);
const NO_GRPC_OVER_TLS = "cosockets cannot negotiate HTTP/2 over TLS, so gRPC is checked without TLS";
const read_short_text = text_to(128);

function read_type(this: void, path: string, value: unknown): Read<CheckType> {
  if (value === "grpcs") return refuse(path, `"grpcs" is not supported: ${NO_GRPC_OVER_TLS}`);
  return read_known_type(path, value);
}

function read_report_path(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_short_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  // Between two more dots, a dot at either end is one of two in a row.
  const is_path = string.find(text, "^[%w_.-]+$")[0] !== undefined;
  if (!is_path || string.find(`.${text}.`, "..", 1, true)[0] !== undefined)
    return refuse(path, "must be names separated by dots");
  return $multi(text, undefined);
}

function read_send(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value === "" || value.length > LONGEST_SEND)
    return refuse(path, `must be a string of 1 to ${LONGEST_SEND} bytes`);
  return $multi(value, undefined);
}

/** HAProxy's `agent-check`: a program at the server's address that answers with a line of text. */
export const AGENT = block({
  port: required(whole_from(1, 65535)),
  /** Text to send first. Default: none. */
  send: optional(read_send),
});

const ANY_HTTP = ["http", "https"];
const ANY_REQUEST = ["http", "https", "grpc"];

/** The types of checks to which an option belongs. Options that are not here belong to all. */
const TYPES_OF = [
  ["uri", ANY_HTTP],
  ["host", ANY_REQUEST],
  ["headers", ANY_REQUEST],
  ["method", ANY_HTTP],
  ["body", ANY_HTTP],
  ["verify", ["https"]],
  ["match", ANY_HTTP],
  ["report", ANY_HTTP],
  ["keepalive_time", ANY_HTTP],
  ["grpc_service", ["grpc"]],
  ["grpc_status", ["grpc"]],
] as const;

/** Refuses options that do not belong to the type of a check, and removes their defaults. */
function check_type(path: string, config: object, given: Record<string, unknown>): Problem | undefined {
  const options = config as Record<string, unknown>;
  const type = options.type as string;
  for (const [name, types] of TYPES_OF) {
    if (!(types as readonly string[]).includes(type)) {
      if (given[name] !== undefined) {
        const reason = type === "grpc" && name === "verify" ? `: ${NO_GRPC_OVER_TLS}` : "";
        return invalid_value(`${path}.${name}`, `cannot be combined with the type "${type}"${reason}`);
      }
      options[name] = undefined;
    }
  }
  return undefined;
}

/** Active health checks, by nginx's names and with nginx's defaults. */
export const HEALTH_CHECK = block(
  {
    /**
     * What a check does: send a request, send it over TLS, connect, or call gRPC's health checking protocol
     * without TLS.
     */
    type: with_default(read_type, "http"),
    /** The request's URI; only with the types `http` and `https`. */
    uri: with_default(read_uri, "/"),
    /**
     * The header `Host` (`:authority` of gRPC), and with `https` also the name that TLS sends (SNI); not with
     * the type `tcp`.
     * Default: the name of the upstream.
     */
    host: optional(read_host),
    /** Further headers of the request, by their names; not with the type `tcp`. Default: none. */
    headers: optional(read_request_headers),
    /** The request's method; only with the types `http` and `https`. Default: `"GET"`. */
    method: optional(one_of(["GET", "HEAD", "OPTIONS", "POST"])),
    /** The request's body; only with the method `POST`. Default: none. */
    body: optional(read_request_body),
    /**
     * Verify the certificate with nginx's `lua_ssl_trusted_certificate` and the name in `host`; only with the
     * type `https`. Default: false.
     */
    verify: optional(read_flag),
    /** Port to check. Default: the server's port. */
    port: optional(whole_from(1, 65535)),
    /** Time between two checks of a server. */
    interval: with_default(time_from("100ms", "1h"), "5s"),
    /** Largest random time that is added to the interval. */
    jitter: with_default(time_from("0s", "1h"), "0s"),
    /** Longest time of a whole check. */
    timeout: with_default(time_from("1ms", "1h"), "1s"),
    /** Consecutive failed checks that make a server unhealthy. */
    fails: with_default(whole_from(1, MOST_RESULTS), 1),
    /** Consecutive passed checks that make an unhealthy server healthy. */
    passes: with_default(whole_from(1, MOST_RESULTS), 1),
    /** Send no request to a new server until a check has passed. */
    mandatory: with_default(read_flag, false),
    /** With `mandatory`: a server that was healthy before a restart need not pass again. */
    persistent: with_default(read_flag, false),
    /** Conditions for a response; only with the types `http` and `https`. Default: a status of 200 to 399. */
    match: optional(MATCH),
    /**
     * Member of a JSON response that reports the server's load or its utilization, names separated by dots;
     * only with the types `http` and `https`. Default: none.
     */
    report: optional(read_report_path),
    /** HAProxy's agent-check, at the server's address. Default: none. */
    agent: optional(AGENT),
    /** How long a connection is used for checks; only with the types `http` and `https`. */
    keepalive_time: with_default(time_from("0s", "1d"), "60s"),
    /** The service that gRPC is asked about; only with the type `grpc`. Default: the whole server. */
    grpc_service: optional(text_to(256)),
    /**
     * A status of gRPC that passes too, such as 12 (UNIMPLEMENTED) for servers without the protocol; only
     * with the type `grpc`. Default: none.
     */
    grpc_status: optional(whole_from(1, 16)),
  },
  (path, config, given) => {
    if (config.persistent && !config.mandatory)
      return invalid_value(`${path}.persistent`, 'requires that "mandatory" is true');
    return check_type(path, config, given) ?? check_request(path, config);
  },
);
export type HealthCheckConfig = ConfigOf<typeof HEALTH_CHECK>;
