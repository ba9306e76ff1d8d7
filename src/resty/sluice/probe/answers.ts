import { parse_agent } from "../health/agent";
import { parse_load_metrics } from "../health/orca";
import { read_report, type Report } from "../health/report";
import { count_bad_report, note_report } from "../health/reported";
import * as clock from "../lib/clock";
import { decode, is_table } from "../lib/json";
import { close_connection, open_connection, send, type Connection } from "../net/connection";
import { CLOSED, fill } from "../net/reader";
import type { Answer } from "../net/request";
import type { Target } from "./targets";

/** What servers report of their loads when they are checked: in the answer, or by an agent beside them. */

const LOAD_METRICS = "endpoint-load-metrics";
const LONGEST_LINE = 1024;

function take({ subject, check }: Target, report: Report | undefined): void {
  if (report === undefined) count_bad_report(subject);
  else note_report(subject, report, check.report_expiry, clock.now());
}

/** What stands in a JSON text at names apart by dots. */
function member_at(text: string, path: string): unknown {
  let [value] = decode(text);
  for (const [name] of string.gmatch(path, "[^.]+")) value = is_table(value) ? value[name] : undefined;
  return value;
}

/** Notes what the answer to a check says of its server's load. */
export function note_answer(target: Target, { headers, body }: Answer): void {
  const { report } = target.check.config;
  const metrics = headers[LOAD_METRICS];
  if (metrics !== undefined) take(target, parse_load_metrics(metrics)[0]);
  if (report === undefined) return;
  const member = member_at(body, report);
  take(target, read_report(report, is_table(member) ? member : { utilization: member })[0]);
}

/** The first line that comes, however it ends. Undefined: none, or one without end. */
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

/** Asks a server's agent, if it has one. As HAProxy: no connection and no answer say nothing. Phases that have cosockets. */
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
  // Weights that follow loads have a floor: who is full gets little, and not nothing till it is idle.
  if (report?.has_weight === false && check.follows_load) report.has_weight = true;
  take(target, report);
}
