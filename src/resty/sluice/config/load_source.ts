import { refuse, type Read } from "./reader";
import { text_to } from "./texts";

/** The names of values that servers report in responses: metrics of ORCA, and variables with headers. */

const read_text = text_to(128);

/** A metric of ORCA's maps, or a variable with a header of the response. */
const SOURCES = [
  "^named_metrics%.[^%s,=:]+$",
  "^utilization%.[^%s,=:]+$",
  "^request_cost%.[^%s,=:]+$",
  "^%$upstream_http_[%l%d_]+$",
];

function is_source(text: string): boolean {
  for (const pattern of SOURCES) if (string.find(text, pattern)[0] !== undefined) return true;
  return false;
}

function refuse_source(path: string, example: string): Read<string> {
  const variable = `a variable such as "$upstream_http_x_${example}"`;
  return refuse(path, `must be a metric such as "named_metrics.${example}", or ${variable}`);
}

/** Reads the name of a number of requests, or of a time. */
export function read_source(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  if (!is_source(text)) return refuse_source(path, "rif");
  return $multi(text, undefined);
}

/** ORCA's own utilizations. */
const UTILIZATIONS = new LuaSet<string>();
for (const name of ["application_utilization", "cpu_utilization", "mem_utilization"]) UTILIZATIONS.add(name);

/** Reads the name of a utilization. */
export function read_utilization_source(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  if (!UTILIZATIONS.has(text) && !is_source(text)) return refuse_source(path, "kv_cache_usage");
  return $multi(text, undefined);
}

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
