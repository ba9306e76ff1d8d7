import { shape, shaped } from "../lib/json";
import { one_of, read_block, read_flag, type Read, type ReadersOf } from "./fields";
import { read_match, shaped_match, type MatchConfig } from "./match";
import { invalid_value, missing_argument, type Problem } from "./problem";
import { text_to } from "./texts";
import { time_from, whole_from } from "./values";

/** How an upstream's servers are checked, by nginx's names. Times are nginx times, as they were spelled. */
export interface HealthCheckConfig {
  /** What is tried: a request, the same over TLS, or a connection. */
  type: "http" | "https" | "tcp";
  /** What is asked for; a `tcp` check has none. */
  uri: string;
  /** Absent: the server's own. */
  port?: number;
  /** From check to check, and how much longer that may be, at random. */
  interval: string;
  jitter: string;
  /** What takes longer has failed. */
  timeout: string;
  /** How many in a row make a server unhealthy, and healthy again. */
  fails: number;
  passes: number;
  /** A server gets no request before its first check has passed. */
  mandatory: boolean;
  /** So it is, but one that was healthy before a restart need not pass again. */
  persistent: boolean;
  /** Absent, or a `tcp` check: any response with a status of 200 to 399, any connection, passes. */
  match?: MatchConfig;
  /** The member of a JSON answer that is a report of the server's load, or its utilization: names apart by dots. */
  report?: string;
  /** Who else is asked how the server is. */
  agent?: AgentConfig;
  /** How long a connection serves for checks; a `tcp` check has none. */
  keepalive_time: string;
}

/** HAProxy's `agent-check`: what answers with a line of text. */
export interface AgentConfig {
  /** `agent-port`, at the server's address. */
  port: number;
  /** `agent-send`: what is sent first. Absent: nothing. */
  send?: string;
}

const LONGEST_URI = 1024;
const LONGEST_SEND = 256;
const read_short_text = text_to(128);
/** Large enough for every use, small enough to be told from a mistake. */
const MOST_RESULTS = 1000;

function bad(path: string, reason: string): LuaMultiReturn<[undefined, Problem]> {
  return $multi(undefined, invalid_value(path, reason));
}

const read_known_type = one_of(["http", "https", "tcp"]);

function read_type(this: void, path: string, value: unknown): Read<string> {
  if (value === "grpc")
    return bad(path, '"grpc" is not supported: it needs HTTP/2, which cosockets do not speak');
  return read_known_type(path, value);
}

function read_uri(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.sub(value, 1, 1) !== "/")
    return bad(path, 'it does not begin with "/"');
  if (value.length > LONGEST_URI) return bad(path, `longer than ${LONGEST_URI} bytes`);
  if (string.find(value, "[^!-~]")[0] !== undefined)
    return bad(path, "only printable ASCII without spaces can be");
  return $multi(value, undefined);
}

function read_report_path(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_short_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  // A dot at either end would be one of two.
  const is_path = string.find(text, "^[%w_.-]+$")[0] !== undefined;
  if (!is_path || string.find(`.${text}.`, "..", 1, true)[0] !== undefined)
    return bad(path, "not names apart by dots");
  return $multi(text, undefined);
}

function read_send(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value === "" || value.length > LONGEST_SEND)
    return bad(path, `not a text of 1 to ${LONGEST_SEND} bytes`);
  return $multi(value, undefined);
}

const AGENT_READERS = { port: whole_from(1, 65535), send: read_send } satisfies ReadersOf<AgentConfig>;
const AGENT_SHAPE = shape(["port", "send"]);

function read_agent(this: void, path: string, value: unknown): Read {
  const [agent, problem] = read_block(path, value, AGENT_READERS, {});
  if (agent !== undefined && agent.port === undefined)
    return $multi(undefined, missing_argument(`${path}.port`));
  return $multi(agent, problem);
}

const READERS = {
  type: read_type,
  uri: read_uri,
  port: whole_from(1, 65535),
  interval: time_from("100ms", "1h"),
  jitter: time_from("0s", "1h"),
  timeout: time_from("1ms", "1h"),
  fails: whole_from(1, MOST_RESULTS),
  passes: whole_from(1, MOST_RESULTS),
  mandatory: read_flag,
  persistent: read_flag,
  match: read_match,
  report: read_report_path,
  agent: read_agent,
  keepalive_time: time_from("0s", "1d"),
} satisfies ReadersOf<HealthCheckConfig>;

const DEFAULTS = {
  type: "http",
  interval: "5s",
  jitter: "0s",
  timeout: "1s",
  fails: 1,
  passes: 1,
  mandatory: false,
  persistent: false,
};
const HTTP_DEFAULTS = { ...DEFAULTS, uri: "/", keepalive_time: "60s" };
const HTTP_ONLY = ["uri", "match", "report", "keepalive_time"];

const SHAPE = shape([
  "type",
  "uri",
  "port",
  "interval",
  "jitter",
  "timeout",
  "fails",
  "passes",
  "mandatory",
  "persistent",
  "match",
  "report",
  "agent",
  "keepalive_time",
]);

/** Reads how servers are checked, with nginx's defaults. Any phase. */
export function read_health_check(this: void, path: string, value: unknown): Read {
  const [given, problem] = read_block(path, value, READERS, {});
  if (given === undefined) return $multi(undefined, problem);
  if (given.persistent === true && given.mandatory !== true)
    return bad(`${path}.persistent`, 'only if "mandatory" is true');
  if (given.type !== "tcp") return $multi({ ...HTTP_DEFAULTS, ...given }, undefined);
  for (const name of HTTP_ONLY) {
    if (given[name] !== undefined) return bad(`${path}.${name}`, 'a check of the type "tcp" has none');
  }
  return $multi({ ...DEFAULTS, ...given }, undefined);
}

/** Has its members written in their order. Returns it. */
export function shaped_health_check(check: HealthCheckConfig): HealthCheckConfig {
  if (check.match !== undefined) shaped_match(check.match);
  if (check.agent !== undefined) shaped(check.agent, AGENT_SHAPE);
  return shaped(check, SHAPE);
}
