import type { MethodName } from "../config/balancing";
import { block, optional, type ConfigOf } from "../config/block";
import type { LoadSources } from "../config/load_source";
import { missing_value } from "../config/problem";
import { refuse, type Read } from "../config/reader";
import { number_from, one_of } from "../config/values";
import { parse_iso8601 } from "../lib/iso8601";
import { is_table } from "../lib/json";

export type ReportedState = "up" | "drain" | "down";

/** Larger than any value of a server, with few enough digits for exact arithmetic. */
export const LARGEST = 1e12;

function read_time(this: void, path: string, value: unknown): Read<number> {
  const time = typeof value === "string" ? parse_iso8601(value) : undefined;
  if (time === undefined) return refuse(path, 'must be a time such as "2026-01-01T00:00:00.000Z"');
  // A time before 1970 is too old as well.
  return $multi(math.max(time, 0), undefined);
}

const read_number = number_from(0, LARGEST);

/** The most metrics of a report with names of their own. */
const MOST_METRICS = 64;

/** Reads the metrics that ORCA calls `named_metrics`: numbers by name. */
function read_metrics(this: void, path: string, value: unknown): Read<Record<string, number>> {
  const reason = `must be an object with 1 to ${MOST_METRICS} numbers`;
  if (!is_table(value)) return refuse(path, reason);
  let count = 0;
  for (const [name, metric] of pairs(value)) {
    count += 1;
    // A list has numbers as names.
    if (typeof name !== "string" || count > MOST_METRICS) return refuse(path, reason);
    const [, problem] = read_number(`${path}.${string.sub(name, 1, 64)}`, metric);
    if (problem !== undefined) return $multi(undefined, problem);
  }
  if (count === 0) return refuse(path, reason);
  return $multi(value as Record<string, number>, undefined);
}

const REPORT = block(
  {
    /** From 0 to 1, the server's capacity. */
    utilization: optional(read_number),
    connections: optional(read_number),
    /** Requests in flight, those of other gateways included. */
    in_flight: optional(read_number),
    /** The time that the server expects to take for one more request, in milliseconds. */
    latency: optional(read_number),
    /** Requests per second. */
    rps: optional(read_number),
    /** Errors per second. */
    eps: optional(read_number),
    /** Other metrics, of which options can name some. */
    named_metrics: optional(read_metrics),
    state: optional(one_of<ReportedState>(["up", "drain", "down"])),
    /** Seconds since 1970. */
    time: optional(read_time),
  },
  (path, { utilization, connections, in_flight, latency, rps, eps, named_metrics, state }) => {
    if ((utilization ?? connections ?? in_flight ?? latency ?? rps ?? eps) !== undefined) return undefined;
    if ((named_metrics ?? state) !== undefined) return undefined;
    return missing_value(path === "" ? "utilization" : `${path}.utilization`);
  },
);

type Values = ConfigOf<typeof REPORT>;
type Members = { [Name in keyof Values]?: Values[Name] | undefined };

/** The state and the load that a server reports, from any source. An absent member is not reported. */
export interface Report extends Members {
  /** False: the server's agent sets no weight, which drains the server until it sets one again. */
  has_weight?: boolean;
}

/**
 * Reads a report in JSON. Pure.
 *
 * @param path names it in a problem; "": the report is the whole body
 * @returns the report, or undefined and the problem
 */
export function read_report(path: string, value: unknown): Read<Report> {
  return REPORT.read(path, value);
}

const NAMED_METRICS = "named_metrics.";

/** Returns the metric that a source names; undefined: no source, or the report does not have the metric. */
function metric_of({ named_metrics }: Report, source: string | undefined): number | undefined {
  if (source === undefined || named_metrics === undefined) return undefined;
  if (string.sub(source, 1, NAMED_METRICS.length) !== NAMED_METRICS) return undefined;
  return named_metrics[string.sub(source, NAMED_METRICS.length + 1)];
}

/**
 * Returns what an upstream uses of a report: the metrics that its options name replace the members, and the
 * latency counts only for `least_load`, because it replaces the expected time, which `least_time` measures by
 * itself. Pure.
 */
export function report_for(method: MethodName, sources: LoadSources | undefined, report: Report): Report {
  const used = { ...report };
  used.named_metrics = undefined;
  used.utilization = metric_of(report, sources?.utilization) ?? report.utilization;
  used.in_flight = metric_of(report, sources?.in_flight) ?? report.in_flight;
  const latency = metric_of(report, sources?.latency) ?? report.latency;
  used.latency = method === "least_load" ? latency : undefined;
  return used;
}
