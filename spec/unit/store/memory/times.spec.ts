import type { Cell, RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { Slot } from "../../../../src/resty/sluice/store/memory/header_cells";
import { Counter, TimeCell } from "../../../../src/resty/sluice/store/memory/counter_cells";
import {
  counter_at,
  create,
  shared_memory,
  slot_at,
  stamp_at,
  times_of,
} from "../../../../src/resty/sluice/store/memory/region";
import {
  add_times,
  BOUNDS,
  bucket_of,
  BUCKETS,
  clear_cells,
  new_times,
  quantile,
  reset_times,
} from "../../../../src/resty/sluice/store/memory/times";
import { expect } from "../../support/expect";

const ROW = 3 as RowNumber;
const INCARNATION = 7;

/** Returns the histograms of a worker's slot, as if the worker had counted one response. */
function take_slot(slot: number): Cell {
  const memory = shared_memory();
  for (const used of $range(1, slot)) memory[slot_at(used) + Slot.USED] = 1;
  memory[stamp_at(slot, ROW)] = INCARNATION;
  const counters = counter_at(slot, ROW);
  const times = times_of(counters);
  clear_cells(times);
  memory[counters + Counter.TIMED] = 1;
  memory[times + TimeCell.FIRST_HEADER] = 1;
  memory[times + TimeCell.FIRST_RESPONSE + 4] = 1;
  memory[times + TimeCell.HEADER_SUM] = 1;
  memory[times + TimeCell.RESPONSE_SUM] = 6;
  return times;
}

before_each(() => {
  create(8, 4);
});

describe("the buckets of times", () => {
  it("are as many as their bounds, and one for all longer times", () => {
    expect(BOUNDS.length + 1).equal(BUCKETS);
  });

  it("include their upper bounds", () => {
    for (const [number, bound] of ipairs(BOUNDS)) {
      expect(bucket_of(bound)).equal(number - 1);
      expect(bucket_of(bound + 1)).equal(bound === 1 || bound === 2 ? number : bucket_of(bound) + 1);
    }
    expect(bucket_of(0)).equal(0);
    expect(bucket_of(60001)).equal(BUCKETS - 1);
    expect(bucket_of(math.huge)).equal(BUCKETS - 1);
  });

  it("take a time that is not exact in floating point as the whole millisecond that it stands for", () => {
    expect(bucket_of(1.001 * 1000)).equal(bucket_of(1001));
    expect(bucket_of(0.015 * 1000)).equal(bucket_of(15));
  });
});

describe("the histograms of a server", () => {
  it("are summed over all workers that have timed a response", () => {
    take_slot(1);
    take_slot(2);
    const times = new_times();
    expect(add_times(times, ROW, INCARNATION)).equal(true);
    expect(times.count).equal(2);
    expect(times.header[0]).equal(2);
    expect(times.response[4]).equal(2);
    expect(times.header_sum).equal(2);
    expect(times.response_sum).equal(12);
  });

  it("do not show those of an earlier server at the same row", () => {
    take_slot(1);
    expect(add_times(new_times(), ROW, INCARNATION + 1)).equal(false);
  });

  it("do not read the cells of a worker that has timed no response", () => {
    take_slot(1);
    const memory = shared_memory();
    memory[counter_at(1, ROW) + Counter.TIMED] = 0;
    expect(add_times(new_times(), ROW, INCARNATION)).equal(false);
  });

  it("are empty after a reset, and count on from there", () => {
    const cells = take_slot(1);
    const memory = shared_memory();
    memory[slot_at(0) + Slot.USED] = 1;
    memory[stamp_at(0, ROW)] = INCARNATION;
    // What an earlier server has left.
    memory[times_of(counter_at(0, ROW)) + TimeCell.FIRST_HEADER] = -5;
    reset_times(ROW, INCARNATION);
    memory[counter_at(1, ROW) + Counter.TIMED] = 3;
    memory[cells + TimeCell.FIRST_HEADER] = 3;
    reset_times(ROW, INCARNATION);
    memory[counter_at(1, ROW) + Counter.TIMED] = 4;
    memory[cells + TimeCell.FIRST_HEADER] = 4;
    const times = new_times();
    add_times(times, ROW, INCARNATION);
    expect(times.count).equal(1);
    expect(times.header[0]).equal(1);
    expect(times.response[4]).equal(0);
    expect(times.response_sum).equal(0);
  });
});

describe("a quantile", () => {
  const counts = (at: Record<number, number>): number[] => {
    const all: number[] = [];
    for (const bucket of $range(0, BUCKETS - 1)) all[bucket] = at[bucket] ?? 0;
    return all;
  };

  it("is interpolated within its bucket", () => {
    // 100 responses above 7 ms and up to 10 ms.
    expect(quantile(counts({ 5: 100 }), 100, 0.5)).equal(8.5);
    expect(quantile(counts({ 5: 100 }), 100, 1)).equal(10);
  });

  it("is in the bucket of the response of its rank", () => {
    const slow = counts({ 0: 98, 17: 2 });
    expect(quantile(slow, 100, 0.5) < 1).equal(true);
    expect(quantile(slow, 100, 0.98)).equal(1);
    expect(quantile(slow, 100, 0.99)).equal(850);
  });

  it("of times above all bounds is the last bound", () => {
    expect(quantile(counts({ 28: 3 }), 3, 0.5)).equal(60000);
  });
});
