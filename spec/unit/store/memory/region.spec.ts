import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { Slot } from "../../../../src/resty/sluice/store/memory/header_cells";
import {
  active_at,
  begun_at,
  create,
  ending_at,
  ENDINGS,
  last_slot,
  offset_of,
  row_at,
  shared_memory,
  slot_at,
  sum_of_slots,
} from "../../../../src/resty/sluice/store/memory/region";
import { expect } from "../../support/expect";

const ROWS = 8;
const WORKERS = 48;

/** Notes that the slots up to `slot` were taken. */
function take_up_to(slot: number): void {
  for (const taken of $range(1, slot)) shared_memory()[slot_at(taken) + Slot.USED] = 1;
}

describe("the cells of the slots of a row", () => {
  before_each(() => {
    create(ROWS, WORKERS);
  });

  it("are summed, whatever the number of taken slots", () => {
    for (const slots of [1, 4, 5, 8, 9, 16, 17, 32, 33, WORKERS]) {
      create(ROWS, WORKERS);
      take_up_to(slots);
      for (const slot of $range(1, slots))
        shared_memory()[active_at(3 as RowNumber) + offset_of(slot)] = slot;
      expect(last_slot()).equal(slots);
      expect(sum_of_slots(active_at(3 as RowNumber))).equal((slots * (slots + 1)) / 2);
    }
  });

  it("begin after the rings of ended requests", () => {
    expect(ending_at(WORKERS, ENDINGS - 1) < row_at(0 as RowNumber)).equal(true);
    expect(ending_at(1, 0) >= slot_at(WORKERS + 1)).equal(true);
    expect(ending_at(2, ENDINGS)).equal(ending_at(2, 0));
  });

  it("do not overlap with the cells of another row, slot or part", () => {
    take_up_to(WORKERS);
    const seen = new LuaSet<number>();
    for (const row of $range(0, ROWS - 1)) {
      for (const slot of $range(1, WORKERS)) {
        for (const first of [active_at(row as RowNumber), begun_at(row as RowNumber)]) {
          expect(seen.has(first + offset_of(slot))).equal(false);
          seen.add(first + offset_of(slot));
        }
      }
    }
  });
});
