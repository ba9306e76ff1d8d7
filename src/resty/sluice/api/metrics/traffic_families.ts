import { CLASSES, Total } from "../../store/memory/totals";
import { columns, type Column, type Family } from "./family";
import { time_family, type ReadTimes } from "./histograms";

/** The families of requests and responses, which servers and upstreams have in common. */

/** Whose families they are. */
export interface Subjects {
  /** The beginning of the families' names. */
  prefix: string;
  /** What the requests go to, such as `the server`. */
  noun: string;
  labels: readonly string[];
  /** Their counters by `Total`. */
  totals: readonly (readonly number[])[];
  active: readonly number[];
}

/** Families with one counter: the end of the name, the help before the noun, the counter, and the unit. */
const COUNTED: [name: string, help: string, total: Total, unit?: "bytes"][] = [
  ["requests", "Requests sent to", Total.REQUESTS],
  ["sent_bytes", "Bytes sent to", Total.SENT, "bytes"],
  ["received_bytes", "Bytes received from", Total.RECEIVED, "bytes"],
  ["fails", "Failed attempts at", Total.FAILS],
  ["unanswered", "Failed attempts without a response of", Total.UNANSWERED],
];

const SAMPLED = "Sampled: of a busy server, one response in eight stands for those since the one before it.";

function class_columns(totals: readonly (readonly number[])[]): Column[] {
  const its_columns: Column[] = [];
  for (const index of $range(0, CLASSES - 1)) {
    its_columns.push({ labels: `,class="${index + 1}xx"`, values: totals[Total.FIRST_CLASS + index] });
  }
  return its_columns;
}

/** Makes the families of counters, of responses by class and of active requests. */
export function traffic_families({ prefix, noun, labels, totals, active }: Subjects): Family[] {
  const families: Family[] = [];
  for (const [name, what, total, unit] of COUNTED) {
    const head = { name: prefix + name, type: "counter", unit, help: `${what} ${noun}.` } as const;
    families.push(columns(head, labels, [{ labels: "", values: totals[total] }]));
  }
  const responses = { name: `${prefix}responses`, help: `Responses of ${noun} by class.` };
  const under_way = { name: `${prefix}active`, help: `Requests under way at ${noun}.` };
  families.push(
    columns({ ...responses, type: "counter" }, labels, class_columns(totals)),
    columns({ ...under_way, type: "gauge" }, labels, [{ labels: "", values: active }]),
  );
  return families;
}

/** Makes the families of the histograms of times. */
export function time_families(prefix: string, labels: readonly string[], read_times: ReadTimes): Family[] {
  const header = {
    name: `${prefix}header_time_seconds`,
    help: `Time until the header of a response. ${SAMPLED}`,
  };
  const response = {
    name: `${prefix}response_time_seconds`,
    help: `Time until the end of a response. ${SAMPLED}`,
  };
  return [
    time_family(header, "header", labels, read_times),
    time_family(response, "response", labels, read_times),
  ];
}
