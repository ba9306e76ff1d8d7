import type { LoadSources } from "../config/load_source";
import { LARGEST, type Report } from "./report";

/** Reads reports in headers that options name by their variables, such as `$upstream_http_x_rif`. */

/** Returns the value of a variable of nginx without its `$`; undefined: there is none. */
type Variable = (this: void, name: string) => string | undefined;

const DOLLAR = 36;

function text_of(source: string | undefined, variable: Variable): string | undefined {
  if (source === undefined || string.byte(source) !== DOLLAR) return undefined;
  return variable(string.sub(source, 2));
}

/** Returns a value from 0 up; undefined: not a decimal number. */
function number_in(text: string | undefined): number | undefined {
  if (text === undefined || string.find(text, "^[%d.]+$")[0] === undefined) return undefined;
  const value = tonumber(text);
  return value !== undefined && value <= LARGEST ? value : undefined;
}

const UPSTREAM_HTTP = "upstream_http_";

/** Returns how the headers of an answer to one of our own requests are read by the names of variables. */
export function variable_in(headers: Record<string, string | undefined>): Variable {
  return (name) => headers[string.gsub(string.sub(name, UPSTREAM_HTTP.length + 1), "_", "-")[0]];
}

/** Returns the report in the headers, or undefined and whether there are headers without a number. Hot. */
export function read_header_report(
  sources: LoadSources,
  variable: Variable,
): LuaMultiReturn<[Report | undefined, boolean]> {
  const utilization = text_of(sources.utilization, variable);
  const in_flight = text_of(sources.in_flight, variable);
  const latency = text_of(sources.latency, variable);
  if ((utilization ?? in_flight ?? latency) === undefined) return $multi(undefined, false);
  const report: Report = {
    utilization: number_in(utilization),
    in_flight: number_in(in_flight),
    latency: number_in(latency),
  };
  if ((report.utilization ?? report.in_flight ?? report.latency) === undefined)
    return $multi(undefined, true);
  return $multi(report, false);
}
