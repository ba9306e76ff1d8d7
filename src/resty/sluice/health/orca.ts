import type { LoadSources } from "../config/load_source";
import { decode, is_table, json_null } from "../lib/json";
import { trim } from "../lib/text";
import { LARGEST, type Report } from "./report";

/**
 * Parses ORCA's response header `endpoint-load-metrics` (xds.data.orca.v3.OrcaLoadReport): TEXT and JSON.
 * Pure.
 */

/** Longest header, in bytes. No report of load needs more. */
const LONGEST = 4096;

/** The names of the numbers of the protocol, and of its maps of further numbers. */
const NUMBERS = new LuaSet<string>();
for (const name of [
  "cpu_utilization",
  "mem_utilization",
  "application_utilization",
  "rps",
  "rps_fractional",
  "eps",
])
  NUMBERS.add(name);
const MAPS = new LuaSet<string>();
for (const name of ["request_cost", "utilization", "named_metrics"]) MAPS.add(name);

type Metrics = LuaTable<string, number | undefined>;
type Parsed = LuaMultiReturn<[Report | undefined, string | undefined]>;

function fail(reason: string): Parsed {
  return $multi(undefined, reason);
}

/** Adds a metric. Returns the problem, if there is one. */
function add(metrics: Metrics, name: string, value: number | undefined): string | undefined {
  const shown = string.sub(name, 1, 64);
  const [map, member] = string.match(name, "^([^.]+)%.(.+)$");
  if (map === undefined ? !NUMBERS.has(name) : !MAPS.has(map) || member === "")
    return `unknown metric "${shown}"`;
  if (metrics.has(name)) return `duplicate metric "${shown}"`;
  // The second condition also rejects NaN.
  if (value === undefined || !(value >= 0 && value <= LARGEST))
    return `"${shown}" is not a number from 0 to ${LARGEST}`;
  metrics.set(name, value);
  return undefined;
}

/** Reads `name=value` or, as in an older form, `name:value`, separated by commas. */
function read_text(text: string, metrics: Metrics): string | undefined {
  for (const [part] of string.gmatch(text, "[^,]+")) {
    const [name, text_of_value] = string.match(part, "^([^=:]*)[=:](.*)$");
    if (name === undefined) return `"${string.sub(part, 1, 64)}" is not name=value`;
    const value = trim(text_of_value);
    // Lua accepts "0x10" as a number, and on some platforms "inf".
    const is_decimal = string.find(value, "^[%d.eE+-]+$")[0] !== undefined;
    const wrong = add(metrics, trim(name), is_decimal ? tonumber(value) : undefined);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/**
 * Returns the protocol's name for one in JSON, such as `cpuUtilization`. The protocol's own form is accepted
 * too.
 */
function protocol_name(name: string): string {
  return string.gsub(name, "%u", (capital) => `_${string.lower(capital)}`)[0];
}

/**
 * Returns a number. The JSON of protobuf writes 64-bit integers, of which `rps` is the only one, as strings.
 */
function as_number(name: string, value: unknown): number | undefined {
  if (name === "rps" && typeof value === "string" && string.find(value, "^%d+$")[0] !== undefined)
    return tonumber(value);
  return typeof value === "number" ? value : undefined;
}

function read_json(text: string, metrics: Metrics): string | undefined {
  const [object] = decode(text);
  if (!is_table(object)) return "not a JSON object";
  for (const [name, value] of pairs(object)) {
    const known = protocol_name(tostring(name));
    let wrong: string | undefined;
    // Null means that a field is not set.
    if (!is_table(value) && value !== json_null) wrong = add(metrics, known, as_number(known, value));
    for (const [member, number] of pairs(is_table(value) ? value : {}))
      wrong ??= add(metrics, `${known}.${tostring(member)}`, as_number("", number));
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/**
 * Returns the utilization: the metric with its name, or without a name as in Envoy that of the application or
 * else that of the processor.
 */
function utilization_of(metrics: Metrics, name: string | undefined): number | undefined {
  if (name !== undefined) return metrics.get(name);
  const application = metrics.get("application_utilization");
  if (application !== undefined && application > 0) return application;
  return metrics.get("cpu_utilization") ?? application;
}

/** Returns a metric by its name; undefined: no name, or no such metric. */
function metric(metrics: Metrics, name: string | undefined): number | undefined {
  return name === undefined ? undefined : metrics.get(name);
}

/**
 * Parses the value of the header. It may contain no known metric: protobuf omits fields that are 0, and there
 * are other metrics.
 *
 * @param names the metrics that are the utilization, the requests in flight and the latency
 * @returns the report, or undefined and the reason
 */
export function parse_load_metrics(value: string, names?: LoadSources): Parsed {
  if (value.length > LONGEST) return fail(`longer than ${LONGEST} bytes`);
  const [form, text] = string.match(value, "^%s*(%u+)%s+(.*)$");
  const metrics: Metrics = new LuaTable();
  let wrong: string | undefined;
  if (form === "JSON") wrong = read_json(text, metrics);
  else if (form === "TEXT") wrong = read_text(text, metrics);
  else wrong = "neither TEXT nor JSON";
  if (wrong !== undefined) return fail(wrong);
  const report: Report = {
    utilization: utilization_of(metrics, names?.utilization),
    rps: metrics.get("rps_fractional") ?? metrics.get("rps"),
    eps: metrics.get("eps"),
    in_flight: metric(metrics, names?.in_flight),
    latency: metric(metrics, names?.latency),
  };
  return $multi(report, undefined);
}
