import type { LoadSources } from "../config/load_source";
import { parse_agent } from "../health/agent";
import { read_header_report, variable_in } from "../health/header_report";
import { parse_load_metrics } from "../health/orca";
import { read_report, report_for, type Report } from "../health/report";
import { count_bad_report, note_report } from "../health/reported";
import * as clock from "../lib/clock";
import { decode, is_table } from "../lib/json";
import { close_connection, open_connection, send, type Connection } from "../net/connection";
import { CLOSED, fill } from "../net/reader";
import type { Answer } from "../net/request";
import type { Target } from "./targets";

/** The reports of servers that are part of a check: in the answer, or from an agent on the server. */

const LOAD_METRICS = "endpoint-load-metrics";
const LONGEST_LINE = 1024;

function use_report({ subject, check }: Target, report: Report | undefined): void {
  if (report === undefined) count_bad_report(subject);
  else
    note_report(
      subject,
      report_for(check.method, check.load_sources, report),
      check.report_expiry,
      clock.now(),
    );
}

/** Uses the report in headers of an answer. Their variables are named as those of responses to requests. */
function note_headers(target: Target, sources: LoadSources, headers: Answer["headers"]): void {
  const [report, is_bad] = read_header_report(sources, variable_in(headers));
  if (report !== undefined || is_bad) use_report(target, report);
}

/** Returns the value at a path of a JSON text. The names of a path are separated by dots. */
function member_at(text: string, path: string): unknown {
  let [value] = decode(text);
  for (const [name] of string.gmatch(path, "[^.]+")) value = is_table(value) ? value[name] : undefined;
  return value;
}

/** Uses the reports in the answer to a check. */
export function note_answer(target: Target, { headers, body }: Answer): void {
  const { load_sources } = target.check;
  const { report } = target.check.config;
  if (load_sources !== undefined) note_headers(target, load_sources, headers);
  const metrics = headers[LOAD_METRICS];
  if (metrics !== undefined) use_report(target, parse_load_metrics(metrics, load_sources)[0]);
  if (report === undefined) return;
  const member = member_at(body, report);
  use_report(target, read_report(report, is_table(member) ? member : { utilization: member })[0]);
}

/** Reads the first line, which a closed connection ends as well. Undefined: none, or too long. */
function read_agent_line(connection: Connection): string | undefined {
  let [line_end] = string.find(connection.buffer, "[\r\n]");
  while (line_end === undefined && connection.buffer.length <= LONGEST_LINE) {
    const [filled, cause] = fill(connection);
    if (filled === undefined)
      return cause === CLOSED && connection.buffer !== "" ? connection.buffer : undefined;
    [line_end] = string.find(connection.buffer, "[\r\n]");
  }
  return line_end === undefined ? undefined : string.sub(connection.buffer, 1, line_end - 1);
}

/** Asks the agent of a server. A failure has no effect, as with HAProxy. Phases that have cosockets. */
export function ask_agent(target: Target): void {
  const { check, agent } = target;
  if (agent === undefined) return;
  const [connection] = open_connection(agent, clock.now() + check.timeout);
  if (connection === undefined) return;
  const text = check.config.agent?.send;
  const is_asked = text === undefined || send(connection, text)[0] !== undefined;
  const line = is_asked ? read_agent_line(connection) : undefined;
  close_connection(connection);
  if (line === undefined) return;
  const [report] = parse_agent(line);
  // With `load`, weights have a lower limit, so that a weight of 0 does not drain the server.
  if (report?.has_weight === false && check.follows_load) report.has_weight = true;
  use_report(target, report);
}
