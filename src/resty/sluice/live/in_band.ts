import { parse_load_metrics } from "../health/orca";
import { count_bad_report, note_report } from "../health/reported";
import type { LiveServer } from "./view/model";

/** Reports that servers put into their responses. Hot: of a busy server nearly every response is let pass. */

/** A load that is looked at more often does not say more. */
const SECONDS_BETWEEN_LOOKS = 0.1;

/** Notes what the header of a response says of its server's load. Phase: log_by_lua. */
export function note_response_report(server: LiveServer, now: number): void {
  if (now < server.report_due) return;
  server.report_due = now + SECONDS_BETWEEN_LOOKS;
  const value = ngx.var.upstream_http_endpoint_load_metrics;
  if (value === undefined) return;
  const [report] = parse_load_metrics(value);
  if (report === undefined) count_bad_report(server);
  else note_report(server, report, server.upstream.report_expiry, now);
}
