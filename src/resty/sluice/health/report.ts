import type { MethodName } from "../config/balancing";
import { block, optional, type ConfigOf } from "../config/block";
import { missing_value } from "../config/problem";
import { refuse, type Read } from "../config/reader";
import { number_from, one_of } from "../config/values";
import { parse_iso8601 } from "../lib/iso8601";

export type ReportedState = "up" | "drain" | "down";

/** Larger than any value of a server, with few enough digits for exact arithmetic. */
export const LARGEST = 1e12;

function read_time(this: void, path: string, value: unknown): Read<number> {
  const time = typeof value === "string" ? parse_iso8601(value) : undefined;
  if (time === undefined) return refuse(path, 'must be a time such as "2026-01-01T00:00:00.000Z"');
  return $multi(time, undefined);
}

const read_number = number_from(0, LARGEST);

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
    state: optional(one_of<ReportedState>(["up", "drain", "down"])),
    /** Seconds since 1970. */
    time: optional(read_time),
  },
  (path, { utilization, connections, in_flight, latency, rps, eps, state }) => {
    if ((utilization ?? connections ?? in_flight ?? latency ?? rps ?? eps ?? state) !== undefined)
      return undefined;
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

/**
 * Returns a report without what the method of the upstream does not use: the latency replaces the expected
 * time, which `least_time` measures by itself. Pure.
 */
export function report_for(method: MethodName, report: Report): Report {
  if (method === "least_load") return report;
  const used = { ...report };
  used.latency = undefined;
  return used;
}

/** Returns a value from 0 up; undefined: not a decimal number. */
function number_in(text: string | undefined): number | undefined {
  if (text === undefined || string.find(text, "^[%d.]+$")[0] === undefined) return undefined;
  const value = tonumber(text);
  return value !== undefined && value <= LARGEST ? value : undefined;
}

/** Returns the load in two headers of a response; undefined: neither is a number. Pure. */
export function load_in(in_flight: string | undefined, latency: string | undefined): Report | undefined {
  const report: Report = { in_flight: number_in(in_flight), latency: number_in(latency) };
  return (report.in_flight ?? report.latency) === undefined ? undefined : report;
}
