import type { LoadSources } from "../config/load_source";
import { read_header_report } from "../health/header_report";
import { parse_load_metrics } from "../health/orca";
import { count_bad_report, note_report } from "../health/reported";
import { type LiveServer, Own } from "./view/model";

/** Reads the reports that servers put into their responses. Hot: it skips most responses of a busy server. */

/** Interval between two looks at the responses of a server. More do not describe the load better. */
const SECONDS_BETWEEN_LOOKS = 0.1;

function variable(this: void, name: string): string | undefined {
  return ngx.var[name];
}

/** Notes the headers that report the load of a server. */
function note_headers(server: LiveServer, sources: LoadSources, now: number): void {
  const [report, is_bad] = read_header_report(sources, variable);
  if (report !== undefined) note_report(server, report, server.upstream.report_expiry, now);
  else if (is_bad) count_bad_report(server);
}

/** Notes the report of load in the headers of a response. Phase: log_by_lua. */
export function note_response_report(server: LiveServer, now: number): void {
  if (now < server[Own.REPORT_DUE]) return;
  server[Own.REPORT_DUE] = now + SECONDS_BETWEEN_LOOKS;
  const { load_sources, report_expiry } = server.upstream;
  if (load_sources !== undefined) note_headers(server, load_sources, now);
  const value = ngx.var.upstream_http_endpoint_load_metrics;
  if (value === undefined) return;
  const [report] = parse_load_metrics(value, load_sources);
  if (report === undefined) count_bad_report(server);
  else note_report(server, report, report_expiry, now);
}
