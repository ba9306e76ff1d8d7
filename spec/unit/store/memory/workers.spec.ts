import { held_slots } from "./held_slots";
import { Header, Slot } from "../../../../src/resty/sluice/store/memory/header_cells";
import { create, shared_memory, slot_at } from "../../../../src/resty/sluice/store/memory/region";
import { workers_at } from "../../../../src/resty/sluice/store/memory/workers";
import { expect } from "../../support/expect";

const REVISION = 20;

/** Lets a worker of a generation run in a slot, which has seen a revision. */
function run(slot: number, generation: number, seen: number): void {
  const memory = shared_memory();
  for (const used of $range(1, slot)) memory[slot_at(used) + Slot.USED] = 1;
  memory[slot_at(slot) + Slot.GENERATION] = generation;
  memory[slot_at(slot) + Slot.SEEN_REVISION] = seen;
  held_slots.add(slot);
}

/** As a reload does: the next workers have another generation. */
function reload_to(generation: number): void {
  shared_memory()[Header.GENERATION] = generation;
}

/** Returns the number of workers that follow the revision, and of those that must. */
function counted(): [number, number] {
  const [following, total] = workers_at(REVISION);
  return [following, total];
}

describe("the workers that follow a change", () => {
  before_each(() => {
    create(8, 16);
    for (const slot of $range(1, 16)) held_slots.delete(slot);
    reload_to(1);
  });

  it("are those that have seen its revision, or a later one", () => {
    run(1, 1, REVISION - 1);
    run(2, 1, REVISION);
    run(3, 1, REVISION + 1);
    expect(counted()).same([2, 3]);
  });

  it("are those of the last configuration until the first worker of a new one runs", () => {
    run(1, 1, REVISION);
    run(2, 1, REVISION - 1);
    reload_to(2);
    expect(counted()).same([1, 2]);
    run(4, 2, REVISION);
    expect(counted()).same([1, 1]);
  });

  it("are only those of the newest configuration, whichever slots these have", () => {
    run(1, 1, REVISION);
    run(2, 2, REVISION);
    run(3, 1, REVISION - 1);
    run(4, 2, REVISION - 1);
    reload_to(2);
    expect(counted()).same([1, 2]);
  });

  it("do not include dead ones, also if these had the newest configuration", () => {
    run(1, 1, REVISION);
    run(2, 2, REVISION);
    run(3, 1, REVISION);
    held_slots.delete(2);
    held_slots.delete(3);
    reload_to(2);
    expect(counted()).same([1, 1]);
  });

  it("are none before any worker runs", () => {
    expect(counted()).same([0, 0]);
  });
});
