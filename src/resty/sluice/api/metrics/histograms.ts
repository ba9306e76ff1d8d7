import { BOUNDS, clear_times, new_times, type Times } from "../../store/memory/times";
import type { StringBuffer } from "string.buffer";
import type { Family, Head } from "./family";

/** Histograms: cumulative counts, in seconds. */

const MILLISECONDS = 1000;

/** Returns a bound as OpenMetrics writes it: always with a decimal point. */
function bound_text(seconds: number): string {
  return seconds === math.floor(seconds) ? string.format("%d.0", seconds) : string.format("%.14g", seconds);
}

/** Returns the ends of the buckets' label sets: `le="0.001"} `. */
export function bound_labels(bounds: readonly number[]): string[] {
  const ends: string[] = [];
  for (const bound of bounds) ends.push(`le="${bound_text(bound)}"} `);
  ends.push('le="+Inf"} ');
  return ends;
}

const TIME_BOUNDS: number[] = [];
for (const bound of BOUNDS) TIME_BOUNDS.push(bound / MILLISECONDS);
const TIME_ENDS = bound_labels(TIME_BOUNDS);

/**
 * Appends the samples of a histogram.
 *
 * @param labels its labels; "": there are none
 * @param ends the result of `bound_labels`
 * @param counts the number of values in each bucket
 */
export function write_histogram(
  out: StringBuffer,
  name: string,
  labels: string,
  ends: readonly string[],
  counts: readonly number[],
  sum: number,
): void {
  const separator = labels === "" ? "" : ",";
  const start = `${name}_bucket{${labels}${separator}`;
  let count = 0;
  for (const bucket of $range(0, ends.length - 1)) {
    count = count + counts[bucket];
    out.put(start, ends[bucket], count, "\n");
  }
  const end = labels === "" ? " " : `{${labels}} `;
  out.put(name, "_count", end, count, "\n", name, "_sum", end, sum, "\n");
}

/** Adds the histograms of an item to `times`. Returns false if it has none. */
export type ReadTimes = (this: void, times: Times, item: number, pause: (this: void) => void) => boolean;

/** Makes the family of the header times or of the response times of some items. */
export function time_family(
  head: Omit<Head, "type" | "unit">,
  member: "header" | "response",
  labels: readonly string[],
  read_times: ReadTimes,
): Family {
  const times = new_times();
  return {
    ...head,
    type: "histogram",
    unit: "seconds",
    items: labels.length,
    step: 8,
    write: (out, first, last, pause) => {
      for (const item of $range(first, last)) {
        clear_times(times);
        if (read_times(times, item, pause)) {
          const sum = member === "header" ? times.header_sum : times.response_sum;
          write_histogram(out, head.name, labels[item], TIME_ENDS, times[member], sum / MILLISECONDS);
        }
      }
    },
  };
}
