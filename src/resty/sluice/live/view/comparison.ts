import { eject } from "../../health/outlier";
import { is_outlier, success_rate_threshold, type Performance } from "../../health/success_rate";
import { Row, UpstreamRow } from "../../store/memory/cells";
import { use_rare_cells } from "../../store/memory/rare_cells";
import { is_present, shared_memory } from "../../store/memory/region";
import { others_ejected } from "./availability";
import { claim } from "./claim";
import type { LiveServer, LiveUpstream } from "./model";
import { responses_of } from "./responses";

/** Outlier detection by success rate: in each interval, one worker compares the servers of an upstream. */

/** Returns a server's responses and errors since the last comparison, and begins the next count. */
function performance_of(server: LiveServer): Performance {
  const memory = shared_memory();
  const { row } = server;
  use_rare_cells(row);
  const { answers, bad_answers, unanswered } = responses_of(server);
  const responses = answers + unanswered;
  const errors = bad_answers + unanswered;
  const performance = {
    responses: responses - memory[row + Row.COMPARED_RESPONSES],
    errors: errors - memory[row + Row.COMPARED_ERRORS],
  };
  memory[row + Row.COMPARED_RESPONSES] = responses;
  memory[row + Row.COMPARED_ERRORS] = errors;
  return performance;
}

/** Compares an upstream's servers if that is due, and ejects the outliers. Phase: timer. */
export function compare_servers(upstream: LiveUpstream, now: number): void {
  const limits = upstream.outlier_limits;
  if (limits === undefined || !limits.compares_success_rates || !is_present(upstream)) return;
  const [is_mine, is_first] = claim(upstream.row + UpstreamRow.COMPARED_AT, limits.interval, now);
  if (!is_mine) return;
  const performances: Performance[] = [];
  const servers: LiveServer[] = [];
  for (const [, server] of pairs(upstream.servers)) {
    if (is_present(server)) {
      servers.push(server);
      performances.push(performance_of(server));
    }
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
