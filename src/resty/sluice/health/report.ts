import { one_of, read_block, type Read } from "../config/fields";
import { invalid_value, missing_argument } from "../config/problem";
import { number_from } from "../config/values";
import { parse_iso8601 } from "../lib/iso8601";

/** A server's report about itself. A field that is absent was not reported. */
export interface Report {
  /** From 0; 1 is full utilization. */
  utilization?: number | undefined;
  connections?: number;
  /** Requests and errors a second. */
  rps?: number | undefined;
  eps?: number | undefined;
  state?: ReportedState;
  /** False: its agent gives it no weight, which drains it until there is some again. */
  has_weight?: boolean;
  /** Seconds since 1970. */
  time?: number;
}

export type ReportedState = "up" | "drain" | "down";

/** Largest number in a report. Larger ones would lose precision in calculations. */
export const LARGEST = 1e12;

function read_time(this: void, path: string, value: unknown): Read<number> {
  const time = typeof value === "string" ? parse_iso8601(value) : undefined;
  if (time === undefined)
    return $multi(undefined, invalid_value(path, 'not a time such as "2026-01-01T00:00:00.000Z"'));
  return $multi(time, undefined);
}

const read_number = number_from(0, LARGEST);

const READERS = {
  utilization: read_number,
  connections: read_number,
  rps: read_number,
  eps: read_number,
  state: one_of(["up", "drain", "down"]),
  time: read_time,
};

/**
 * Reads a report in JSON. Pure.
 *
 * @param path names it in a problem; "": it is the whole body
 * @returns the report, or undefined and the problem
 */
export function read_report(path: string, value: unknown): Read<Report> {
  const [fields, problem] = read_block(path, value, READERS, {});
  if (fields === undefined) return $multi(undefined, problem);
  const { utilization, connections, rps, eps, state } = fields;
  if ((utilization ?? connections ?? rps ?? eps ?? state) === undefined)
    return $multi(undefined, missing_argument(path === "" ? "utilization" : `${path}.utilization`));
  return $multi(fields as Report, undefined);
}
