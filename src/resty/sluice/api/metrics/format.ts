/** The two formats of metrics, and which of them a client wants (RFC 9110, section 12.5.1). Pure. */

export interface Format {
  content_type: string;
  /** True: OpenMetrics 1.0; false: the text format 0.0.4 of Prometheus. */
  is_open: boolean;
}

export const PROMETHEUS: Format = {
  content_type: "text/plain; version=0.0.4; charset=utf-8",
  is_open: false,
};
export const OPENMETRICS: Format = {
  content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  is_open: true,
};

/** A longer header is not examined. */
const LONGEST_HEADER = 4096;

/** Returns a parameter of a media range, in lower case and without quotes; undefined: it is absent. */
function parameter_of(range: string, wanted: string): string | undefined {
  for (const [name, value] of string.gmatch(range, ';%s*([%w-]+)%s*=%s*"?([^;"%s]*)')) {
    if (name === wanted) return value;
  }
  return undefined;
}

/** Returns the weight of a media range from 0 to 1; an invalid one counts as 1. */
function weight_of(range: string): number {
  const weight = tonumber(parameter_of(range, "q") ?? "1") ?? 1;
  return weight >= 0 && weight <= 1 ? weight : 1;
}

function is_version(range: string, version: string): boolean {
  return (parameter_of(range, "version") ?? version) === version;
}

/**
 * Returns the format that a client prefers. OpenMetrics must be named; it wins a tie. A client that accepts
 * neither gets the format of Prometheus.
 *
 * @param accept the value of the header `Accept`; undefined: it is absent
 */
export function format_for(accept: string | undefined): Format {
  if (accept === undefined || accept.length > LONGEST_HEADER) return PROMETHEUS;
  let open = 0;
  let text = 0;
  for (const [range] of string.gmatch(string.lower(accept), "[^,]+")) {
    const [media] = string.match(range, "^%s*([^;%s]*)");
    const weight = weight_of(range);
    if (media === "application/openmetrics-text" && is_version(range, "1.0.0")) open = math.max(open, weight);
    else if (media === "text/plain" && is_version(range, "0.0.4")) text = math.max(text, weight);
  }
  return open > 0 && open >= text ? OPENMETRICS : PROMETHEUS;
}
