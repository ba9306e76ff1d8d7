import type { NumberPointer } from "ffi";

import type { Loads, Peer } from "../../balancer/method";
import { shorten } from "../../health/expected_time";
import { type Cell, Row, type RowNumber, UpstreamRow } from "../../store/memory/cells";
import { active_at, row_at, row_number_of, sum_of_slots } from "../../store/memory/region";
import { requests_elsewhere } from "./elsewhere";
import type { LiveServer } from "./model";

/** The loads of servers for `least_load`, by the numbers of their rows. Hot. */

let memory: NumberPointer;

/** Sets the shared memory to read from. Phase: init_worker_by_lua. */
export function use_numbered_loads(shared: NumberPointer): void {
  memory = shared;
}

function number_of(this: void, peer: Peer): number {
  return row_number_of((peer as LiveServer).row);
}

function own(this: void, number: number): number {
  const requests = sum_of_slots(active_at(number as RowNumber));
  return requests;
}

function elsewhere(this: void, number: number, now: number): number {
  const requests = requests_elsewhere(row_at(number as RowNumber), now);
  return requests;
}

function mean_time(this: void, number: number): number {
  return memory[row_at(number as RowNumber) + Row.EXPECTED_TIME];
}

function mean_requests(this: void, number: number): number {
  return memory[row_at(number as RowNumber) + Row.EXPECTED_REQUESTS];
}

function chosen_at(this: void, number: number): number {
  return memory[row_at(number as RowNumber) + Row.SELECTED];
}

function fail_timeout(this: void, number: number): number {
  return memory[row_at(number as RowNumber) + Row.FAIL_TIMEOUT];
}

function shorten_time(this: void, peer: Peer, divisor: number): void {
  const { row, incarnation } = peer as LiveServer;
  if (memory[row + Row.STAMP] === incarnation) shorten(row, divisor);
}

/** What the loads of all upstreams have in common, as a metatable. */
const COMMON = {
  __index: {
    number_of,
    own,
    elsewhere,
    mean_time,
    mean_requests,
    chosen_at,
    fail_timeout,
    shorten: shorten_time,
  },
};

/** Returns the loads of the servers of the upstream at a row. */
export function loads_of(upstream_row: Cell): Loads {
  const its_own: Pick<Loads, "note_hot"> = {
    note_hot: (requests) => {
      memory[upstream_row + UpstreamRow.HOT_FROM] = requests;
    },
  };
  return setmetatable(its_own as Loads, COMMON);
}

/**
 * Returns the requests of others to which the time of a response belongs: not more than those with which
 * the server is hot. With more, a server that reports many requests at times would seem fast when it reports
 * none. `now`: the monotonic clock.
 */
export function elsewhere_at_end({ row, upstream, weight }: LiveServer, now: number): number {
  return math.min(requests_elsewhere(row, now), memory[upstream.row + UpstreamRow.HOT_FROM] * weight);
}
