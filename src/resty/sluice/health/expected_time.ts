import { time_with } from "../balancer/loads";
import { type Cell, Row } from "../store/memory/cells";
import { has_rare_cells, use_rare_cells } from "../store/memory/rare_cells";
import { shared_memory } from "../store/memory/region";

/**
 * The time that `least_load` expects of a server: the mean of the measured ones, and what the server reports
 * within limits. All times are in milliseconds. Hot.
 */

/** The part of a new response in the mean, which follows changes within some responses. */
const NEW_PART = 0.1;
/**
 * A failure makes the mean at least so many times longer, up to this time in milliseconds: few requests are
 * in flight at a server that fails at once, and the square root of its time must outweigh that.
 */
const FAILURE = 3;
const LONGEST = 2 ** 19;
/** A mean so many times longer than a response, and above 5 s, comes from failures, and nearly halves. */
const RECOVERED = 8;
const SLOW = 5000;
const HALF = 0.5;
/** By how much a reported time may differ from the measured one. A larger difference counts as this one. */
const MOST_DIFFERENCE = 4;
/** The least mean time of a server with responses: 0 says that there was none for `least_load`. */
const LEAST_TIME = 1e-6;
/** The time that a report counts, in seconds. */
const EXPIRY = 10;

/** Computes the expected time from the mean and from the last report. */
function combine(row: Cell, now: number): void {
  const memory = shared_memory();
  const mean = memory[row + Row.MEAN_TIME];
  const mean_requests = memory[row + Row.MEAN_REQUESTS];
  const reported_at = memory[row + Row.LATENCY_AT];
  if (reported_at === 0 || now - reported_at > EXPIRY) {
    memory[row + Row.EXPECTED_TIME] = mean;
    memory[row + Row.EXPECTED_REQUESTS] = mean_requests;
    return;
  }
  const requests = memory[row + Row.LATENCY_REQUESTS];
  const measured = time_with(requests, mean, mean_requests);
  const least = math.max(memory[row + Row.LATENCY], measured / MOST_DIFFERENCE);
  memory[row + Row.EXPECTED_TIME] = math.min(least, measured * MOST_DIFFERENCE);
  memory[row + Row.EXPECTED_REQUESTS] = requests;
}

/** Returns the mean; below 0: not known. Before the first response for `least_load`, that of `least_time`. */
function mean_of(row: Cell): number {
  const memory = shared_memory();
  const expected = memory[row + Row.EXPECTED_TIME];
  const mean = memory[row + Row.MEAN_TIME];
  return expected >= 0 && mean > 0 ? mean : expected;
}

/** Adds a response to the mean. `requests`: the other requests that were in flight when it came. */
export function note_loaded_time(row: Cell, milliseconds: number, requests: number, now: number): void {
  const memory = shared_memory();
  use_rare_cells(row);
  const before = mean_of(row);
  const has_recovered = before > math.max(SLOW, milliseconds * RECOVERED);
  const known_part = has_recovered ? HALF : NEW_PART;
  const part = before < 0 ? 1 : known_part;
  const mean = math.max(before, 0) * (1 - part) + milliseconds * part;
  memory[row + Row.MEAN_TIME] = math.max(LEAST_TIME, mean);
  memory[row + Row.MEAN_REQUESTS] = memory[row + Row.MEAN_REQUESTS] * (1 - part) + requests * part;
  combine(row, now);
}

/** Adds a part of a penalty for a failure to the mean, which no report can take back. */
export function note_penalty(row: Cell, milliseconds: number, part: number, now: number): void {
  use_rare_cells(row);
  const before = math.max(mean_of(row), 0);
  const mean = math.max(before * FAILURE, before * (1 - part) + milliseconds * part);
  shared_memory()[row + Row.MEAN_TIME] = math.min(LONGEST, mean);
  combine(row, now);
}

/** Notes the time that a server expects, with `requests` in flight. It counts after its first answer. */
export function note_latency(row: Cell, milliseconds: number, requests: number, now: number): void {
  const memory = shared_memory();
  use_rare_cells(row);
  memory[row + Row.LATENCY] = milliseconds;
  memory[row + Row.LATENCY_REQUESTS] = requests;
  memory[row + Row.LATENCY_AT] = now;
  if (memory[row + Row.EXPECTED_TIME] < 0) return;
  memory[row + Row.MEAN_TIME] = mean_of(row);
  combine(row, now);
}

/** Divides the expected time, if it is known, so that a server which is not chosen gets another chance. */
export function shorten(row: Cell, divisor: number): void {
  const memory = shared_memory();
  // Divided by infinity, -1 would be a known time.
  if (memory[row + Row.EXPECTED_TIME] < 0) return;
  memory[row + Row.EXPECTED_TIME] = memory[row + Row.EXPECTED_TIME] / divisor;
  if (has_rare_cells(row)) memory[row + Row.MEAN_TIME] = memory[row + Row.MEAN_TIME] / divisor;
}
