import { block, optional, required, with_default, type ConfigOf } from "./block";
import { read_host, read_uri } from "./check_request";
import { read_source } from "./load_source";
import { missing_value } from "./problem";
import { number_from, time_from, whole_from } from "./values";

/** Where the load is in the responses of the servers. */
export const LOAD_REPORT = block(
  {
    /** The requests in flight at the server: `"named_metrics.…"` of ORCA, or `"$upstream_http_…"`. */
    in_flight: optional(read_source),
    /** The time that the server expects to take for one more request, in milliseconds, in the same way. */
    latency: optional(read_source),
  },
  (path, { in_flight, latency }) =>
    (in_flight ?? latency) === undefined ? missing_value(`${path}.in_flight`) : undefined,
);

/** Requests that ask servers for their load, beside the requests of clients. */
export const LOAD_PROBE = block({
  /** The path, perhaps with a query. The answer has the headers that `report` names. */
  uri: required(read_uri),
  /** The number of these requests for each request of a client, 0.01 to 3. */
  per_request: with_default(number_from(0.01, 3), 0.5),
  /** The header `Host`. Default: the name of the upstream. */
  host: optional(read_host),
  /** Limit of the time until the answer, up to 1 s. */
  timeout: with_default(time_from("10ms", "1s"), "1s"),
});

/** Parameters of the method `least_load`: of some servers, the one that is expected to answer first. */
export const LEAST_LOAD = block(
  {
    /** The number of servers that are drawn for each request, by their weights: 2 to 32. */
    choices: with_default(whole_from(2, 32), 6),
    /**
     * Servers with more requests in flight, for their weight, than this part of all servers are hot: they
     * have twice the cost.
     */
    hot_quantile: with_default(number_from(0.05, 0.99), 0.6),
    /** Where servers report their load in responses. Default: nowhere, its own counts matter. */
    report: optional(LOAD_REPORT),
    /** Asks servers for their load beside the requests. Default: only responses have reports. */
    probe: optional(LOAD_PROBE),
  },
  (path, { probe, report }) =>
    probe !== undefined && report === undefined ? missing_value(`${path}.report`) : undefined,
);
export type LeastLoadConfig = ConfigOf<typeof LEAST_LOAD>;
