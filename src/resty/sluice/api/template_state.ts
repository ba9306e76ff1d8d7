import type { Moment } from "../lib/clock";
import {
  feed_reports,
  TEMPLATE_FEED_REPORT,
  template_report,
  type TemplateReport,
} from "../store/source_status";

/** The state of the registry that feeds many upstreams. */
export interface TemplateState {
  state: "ok" | "starting" | "failing";
  error: string | undefined;
  /** When the registry last answered; undefined: never. */
  last_success: Moment | undefined;
  /** The number of failures since the worker that follows it began. */
  failures: number;
  /** What is reported of its upstreams; undefined: nothing yet. */
  report: TemplateReport | undefined;
}

/** Returns the state of the registry in the `discovery` of `setup`. Any phase. */
export function template_state(): TemplateState {
  const report = template_report();
  const feed = feed_reports.get(TEMPLATE_FEED_REPORT);
  const last_success = feed?.last_success;
  const error = feed?.error ?? report?.error;
  const quiet = last_success === undefined ? "starting" : "ok";
  const state = error === undefined ? quiet : "failing";
  return { state, error, last_success, failures: feed?.failures ?? 0, report };
}
