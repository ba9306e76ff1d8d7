import type { LoadReportConfig } from "../config/least_load";
import { parse_load_metrics } from "../health/orca";
import { load_in } from "../health/report";
import { count_bad_report, note_report } from "../health/reported";
import type { LiveServer } from "./view/model";

/** Reads the reports that servers put into their responses. Hot: it skips most responses of a busy server. */

/** Interval between two looks at the responses of a server. More do not describe the load better. */
const SECONDS_BETWEEN_LOOKS = 0.1;
const DOLLAR = 36;

/** Returns a header of the response by the name of its variable; undefined: absent, or another name. */
function header_text(name: string | undefined): string | undefined {
  if (name === undefined || string.byte(name) !== DOLLAR) return undefined;
  return ngx.var[string.sub(name, 2)];
}

/** Notes the headers that report the load of a server. */
function note_headers(server: LiveServer, names: LoadReportConfig, now: number): void {
  const in_flight = header_text(names.in_flight);
  const latency = header_text(names.latency);
  if (in_flight === undefined && latency === undefined) return;
  const report = load_in(in_flight, latency);
  if (report === undefined) count_bad_report(server);
  else note_report(server, report, server.upstream.report_expiry, now);
}

/** Notes the report of load in the headers of a response. Phase: log_by_lua. */
export function note_response_report(server: LiveServer, now: number): void {
  if (now < server.report_due) return;
  server.report_due = now + SECONDS_BETWEEN_LOOKS;
  const { load_report, report_expiry } = server.upstream;
  if (load_report !== undefined) note_headers(server, load_report, now);
  const value = ngx.var.upstream_http_endpoint_load_metrics;
  if (value === undefined) return;
  const [report] = parse_load_metrics(value, load_report);
  if (report === undefined) count_bad_report(server);
  else note_report(server, report, report_expiry, now);
}
