import "../spec/unit/support/nginx_stub";

import * as clock from "../src/resty/sluice/lib/clock";
import { count_times, weight_of_times } from "../src/resty/sluice/live/view/times";
import { A, put, server_of, start_worker, upstream_at } from "../spec/unit/support/live_worker";

/**
 * Measures what the times of a response cost without nginx: the averages and the histograms of one response
 * in eight. Prints the nanoseconds for one request, one line per sample. Reading the times from nginx's
 * variables is not included: the averages needed them before there were histograms.
 */

const SAMPLES = 5;
const REQUESTS = 2_000_000;

const name = start_worker();
put(name, {}, [{ server: A }]);
const server = server_of(upstream_at(name, clock.now()), A);

function log_times(this: void, now: number, header_time: number, response_time: number): void {
  const weight = weight_of_times(server, now);
  if (weight > 0) count_times(server, header_time, response_time, weight);
}

/** The cost of an empty call is subtracted. */
function nothing(this: void): void {
  // Nothing.
}

function run(log: typeof log_times): number {
  const now = clock.now();
  const started = os.clock();
  for (const request of $range(1, REQUESTS)) log(now, request % 300, request % 500);
  return os.clock() - started;
}

// nginx calls Lua from C for each request: the function is compiled, but not together with a loop around it.
jit.off(run);
for (const log of [log_times, nothing]) run(log);
for (const _ of $range(1, SAMPLES)) print(((run(log_times) - run(nothing)) / REQUESTS) * 1e9);
