import { Row, type RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { Slot } from "../../../../src/resty/sluice/store/memory/header_cells";
import {
  CODE_STEP,
  Counter,
  TimeCell,
  UpstreamCounter,
} from "../../../../src/resty/sluice/store/memory/counter_cells";
import {
  add_departed,
  add_departed_times,
  departures,
  keep_departed,
} from "../../../../src/resty/sluice/store/memory/departed";
import {
  counter_at,
  create,
  row_at,
  shared_memory,
  slot_at,
  stamp_at,
  times_of,
} from "../../../../src/resty/sluice/store/memory/region";
import { clear_cells, new_times } from "../../../../src/resty/sluice/store/memory/times";
import { add_totals, Total, TOTALS } from "../../../../src/resty/sluice/store/memory/totals";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const UPSTREAM = 1 as RowNumber;
const SERVER = 2 as RowNumber;
const CREATED = 5;
const ADDED = 7;

/** Counts requests of a server in a worker's slot, each answered with 404 after 3 ms. */
function count(slot: number, requests: number): void {
  const memory = shared_memory();
  for (const used of $range(1, slot)) memory[slot_at(used) + Slot.USED] = 1;
  memory[stamp_at(slot, SERVER)] = ADDED;
  const at = counter_at(slot, SERVER);
  memory[at + Counter.REQUESTS] = requests;
  memory[at + Counter.RECEIVED] = 10 * requests;
  memory[at + Counter.FIRST_CODE] = 404 + CODE_STEP * requests;
  memory[at + Counter.TIMED] = requests;
  const times = times_of(at);
  clear_cells(times);
  memory[times + TimeCell.RESPONSE_SUM] = 3 * requests;
  memory[times + TimeCell.FIRST_RESPONSE + 2] = requests;
}

/** Returns the sums of the server, unless it is gone, and of the departed servers of its upstream. */
function sums(): number[] {
  const totals: number[] = [];
  for (const index of $range(0, TOTALS - 1)) totals[index] = 0;
  add_totals(totals, SERVER, ADDED);
  add_departed(totals, UPSTREAM);
  return totals;
}

describe("the numbers of removed servers", () => {
  before_each(() => {
    create(8, 16);
    make_dict();
    shared_memory()[row_at(UPSTREAM) + Row.STAMP] = CREATED;
    shared_memory()[row_at(SERVER) + Row.STAMP] = ADDED;
    count(1, 3);
    count(2, 4);
  });

  it("move to the upstream, so that the sums stay", () => {
    const before = sums();
    expect(before[Total.REQUESTS]).equal(7);
    expect(before[Total.FIRST_CLASS + 3]).equal(7);
    keep_departed(UPSTREAM, [{ row: SERVER, incarnation: ADDED }]);
    expect(shared_memory()[row_at(SERVER) + Row.STAMP]).equal(0);
    expect(sums()).same(before);
    const times = new_times();
    add_departed_times(times, UPSTREAM);
    expect([times.count, times.response_sum, times.response[2]]).same([7, 21, 7]);
  });

  it("add up over several servers", () => {
    keep_departed(UPSTREAM, [{ row: SERVER, incarnation: ADDED }]);
    shared_memory()[row_at(SERVER) + Row.STAMP] = ADDED;
    keep_departed(UPSTREAM, [{ row: SERVER, incarnation: ADDED }]);
    expect(sums()[Total.REQUESTS]).equal(14);
    const times = new_times();
    add_departed_times(times, UPSTREAM);
    expect(times.count).equal(14);
  });

  it("are told apart from those of an earlier upstream at the same row", () => {
    keep_departed(UPSTREAM, [{ row: SERVER, incarnation: ADDED }]);
    shared_memory()[row_at(UPSTREAM) + Row.STAMP] = CREATED + 1;
    expect(sums()[Total.REQUESTS]).equal(0);
    expect(departures(UPSTREAM)).equal(0);
    keep_departed(UPSTREAM, []);
    expect(departures(UPSTREAM)).equal(0);
  });

  it("are announced by a number that is even when they have moved", () => {
    expect(departures(UPSTREAM)).equal(0);
    keep_departed(UPSTREAM, [{ row: SERVER, incarnation: ADDED }]);
    expect(departures(UPSTREAM)).equal(2);
  });

  it("are announced correctly again after a writer died while it moved some", () => {
    keep_departed(UPSTREAM, [{ row: SERVER, incarnation: ADDED }]);
    const number = counter_at(0, UPSTREAM) + UpstreamCounter.DEPARTURES;
    shared_memory()[number] = 3;
    keep_departed(UPSTREAM, [{ row: SERVER, incarnation: ADDED }]);
    expect(departures(UPSTREAM)).equal(4);
  });
});
