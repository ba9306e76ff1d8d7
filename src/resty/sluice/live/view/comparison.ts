import { eject, type OutlierLimits } from "../../health/outlier";
import { is_outlier, success_rate_threshold, type Performance } from "../../health/success_rate";
import { Row, UpstreamRow } from "../../store/memory/cells";
import { shared_memory } from "../../store/memory/region";
import { status_of } from "../../store/memory/statistics";
import { others_ejected } from "./availability";
import type { LiveServer, LiveUpstream } from "./model";

/** Outlier detection by success rate: in each interval, one worker compares the servers of an upstream. */

const FIRST_SERVER_ERROR = 500;

/** Returns a server's responses and errors since the last comparison, and begins the next count. */
function performance_of(server: LiveServer): Performance {
  const memory = shared_memory();
  const { row } = server;
  const { codes, unanswered } = status_of(server.row_number, server.incarnation);
  let responses = unanswered;
  let errors = unanswered;
  for (const [code, count] of pairs(codes)) {
    responses += count;
    if (code >= FIRST_SERVER_ERROR) errors += count;
  }
  const performance = {
    responses: responses - memory[row + Row.COMPARED_RESPONSES],
    errors: errors - memory[row + Row.COMPARED_ERRORS],
  };
  memory[row + Row.COMPARED_RESPONSES] = responses;
  memory[row + Row.COMPARED_ERRORS] = errors;
  return performance;
}

/** After the interval and this time, in seconds, a comparison counts as the first one. */
const LONGEST_DELAY = 10;

/** Tells whether a comparison is due, which this worker then claims, and whether it is the first one. */
function claim(
  upstream: LiveUpstream,
  limits: OutlierLimits,
  now: number,
): LuaMultiReturn<[is_mine: boolean, is_first: boolean]> {
  const memory = shared_memory();
  const cell = upstream.row + UpstreamRow.COMPARED_AT;
  const passed = now - memory[cell];
  if (passed < limits.interval) return $multi(false, false);
  memory[cell] = now;
  return $multi(true, passed > limits.interval + LONGEST_DELAY);
}

/** Compares an upstream's servers if that is due, and ejects the outliers. Phase: timer. */
export function compare_servers(upstream: LiveUpstream, now: number): void {
  const limits = upstream.outlier_limits;
  if (limits === undefined || !limits.compares_success_rates) return;
  const [is_mine, is_first] = claim(upstream, limits, now);
  if (!is_mine) return;
  const performances: Performance[] = [];
  const servers: LiveServer[] = [];
  for (const [, server] of pairs(upstream.servers)) {
    servers.push(server);
    performances.push(performance_of(server));
  }
  // The numbers before the first comparison are from a time of unknown length.
  if (is_first) return;
  const volume = limits.success_rate_request_volume;
  const threshold = success_rate_threshold(
    performances,
    limits.success_rate_minimum_hosts,
    volume,
    limits.success_rate_stdev_factor,
  );
  if (threshold === undefined) return;
  for (const index of $range(0, servers.length - 1)) {
    if (is_outlier(performances[index], threshold, volume)) {
      const reason = string.format("its success rate is below %.1f %%", threshold);
      eject(servers[index], limits, others_ejected, now, reason);
    }
  }
}
