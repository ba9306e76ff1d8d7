import { refuse, type Read, type Reader } from "./reader";
import { text_to } from "./texts";

/** The names of values that servers report in responses: metrics of ORCA, and variables with headers. */

const read_text = text_to(128);

/** A metric of ORCA's maps, or a variable with a header of the response. */
const IN_MAPS = [
  "^named_metrics%.[^%s,=:]+$",
  "^utilization%.[^%s,=:]+$",
  "^request_cost%.[^%s,=:]+$",
  "^%$upstream_http_[%l%d_]+$",
];

/** The same, or one of ORCA's own utilizations. */
const UTILIZATIONS = [...IN_MAPS, "^application_utilization$", "^cpu_utilization$", "^mem_utilization$"];

function source_reader(patterns: readonly string[], example: string): Reader<string> {
  return (path, value): Read<string> => {
    const [text, problem] = read_text(path, value);
    if (text === undefined) return $multi(undefined, problem);
    for (const pattern of patterns)
      if (string.find(text, pattern)[0] !== undefined) return $multi(text, undefined);
    return refuse(
      path,
      `must be a metric such as "named_metrics.${example}", or a variable such as "$upstream_http_x_${example}"`,
    );
  };
}

/** Reads the name of a number of requests, or of a time. */
export const read_source = source_reader(IN_MAPS, "rif");

/** Reads the name of a utilization. */
export const read_utilization_source = source_reader(UTILIZATIONS, "kv_cache_usage");

/** Where reports have the values that are used. Absent: where they are without a name. */
export interface LoadSources {
  utilization?: string | undefined;
  in_flight?: string | undefined;
  latency?: string | undefined;
}

/** The options that name sources. */
interface Named {
  load?: { utilization?: string } | undefined;
  least_load?: { report?: { in_flight?: string; latency?: string } } | undefined;
}

/** Returns the sources that an upstream names; undefined: none. Any phase. */
export function load_sources({ load, least_load }: Named): LoadSources | undefined {
  const utilization = load?.utilization;
  const report = least_load?.report;
  if (utilization === undefined && report === undefined) return undefined;
  return { utilization, in_flight: report?.in_flight, latency: report?.latency };
}
