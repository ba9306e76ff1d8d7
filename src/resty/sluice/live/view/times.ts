import { Row } from "../../store/memory/cells";
import { Counter, TimeCell } from "../../store/memory/counter_cells";
import { times_of } from "../../store/memory/region";
import { bucket_of, clear_cells, use_bucket } from "../../store/memory/times";
import { type LiveServer, Own } from "./model";
import { own } from "./own_memory";

/** The times of responses: moving averages and histograms. Hot. */

const REQUESTS_A_SAMPLE = 8;
const BUSY_SECONDS = 0.1;

/**
 * Returns the number of responses that the times of this one stand for; 0: its times are not wanted. For a
 * busy server, one response in eight is enough, which saves two reads of variables. For any other server,
 * each counts.
 */
export function weight_of_times(server: LiveServer, now: number): number {
  const weight = server[Own.UNTIMED] + 1;
  if (weight < REQUESTS_A_SAMPLE && now - server[Own.TIMED_AT] < BUSY_SECONDS) {
    server[Own.UNTIMED] = weight;
    return 0;
  }
  server[Own.UNTIMED] = 0;
  server[Own.TIMED_AT] = now;
  return weight;
}

/**
 * Adds to a moving average with nginx's weights: 0.05 for the new value, 0.95 for the old one. If two workers
 * write a cell at the same time, one sample is lost, which hardly changes an average.
 */
function average(cell: number, sample: number): void {
  const before = own.memory[cell];
  own.memory[cell] = before < 0 ? sample : before * 0.95 + sample * 0.05;
}

function add(cell: number, by: number): void {
  own.memory[cell] = own.memory[cell] + by;
}

/** Adds the times of `weight` responses, in milliseconds, to this worker's histograms. */
function count_in_histograms(
  server: LiveServer,
  header_time: number,
  response_time: number,
  weight: number,
): void {
  if (own.memory[server[Own.STAMP]] !== server.incarnation) return;
  const counters = server[Own.COUNTERS];
  const times = times_of(counters);
  const count = counters + Counter.TIMED;
  if (own.memory[count] === 0) clear_cells(times);
  add(count, weight);
  add(times + TimeCell.HEADER_SUM, header_time * weight);
  add(times + TimeCell.RESPONSE_SUM, response_time * weight);
  add(use_bucket(times, bucket_of(header_time)), weight);
  add(use_bucket(times, bucket_of(response_time)) + TimeCell.FIRST_RESPONSE, weight);
}

/** Counts the times of a response, in milliseconds. `weight`: the number of responses that they stand for. */
export function count_times(
  server: LiveServer,
  header_time: number,
  response_time: number,
  weight: number,
): void {
  if (own.memory[server.row + Row.STAMP] !== server.incarnation) return;
  average(server.row + Row.HEADER_TIME, header_time);
  average(server.row + Row.RESPONSE_TIME, response_time);
  count_in_histograms(server, header_time, response_time, weight);
}
