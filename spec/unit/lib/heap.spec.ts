import { new_heap, pop, push, remove, type HeapEntry } from "../../../src/resty/sluice/lib/heap";
import { expect } from "../support/expect";

function entry(key: number): HeapEntry {
  return { key, place: 0 };
}

describe("a heap", () => {
  it("returns its entries in order, whichever entries were removed meanwhile", () => {
    math.randomseed(7);
    for (const size of $range(1, 60)) {
      const heap = new_heap<HeapEntry>();
      const entries: HeapEntry[] = [];
      for (const _ of $range(1, size)) {
        const added = entry(math.random(1, 20));
        entries.push(added);
        push(heap, added);
      }
      const out = math.random(1, size);
      for (const index of $range(1, out)) remove(heap, entries[index - 1]);
      let last = -1;
      let count = 0;
      while (heap.size > 0) {
        const first = pop(heap);
        expect(first.key >= last).equal(true);
        last = first.key;
        count += 1;
      }
      expect(count).equal(size - out);
    }
  });
});
