import { enqueue, first_of, leave, new_fifo, type FifoEntry } from "../../../src/resty/sluice/lib/fifo";
import { expect } from "../support/expect";

interface Waiter extends FifoEntry {
  name: number;
}

describe("a FIFO queue", () => {
  it("keeps the order of arrival while members leave at any position", () => {
    math.randomseed(7);
    const fifo = new_fifo<Waiter>();
    const wanted: Waiter[] = [];
    for (const name of $range(1, 2000)) {
      if (math.random() < 0.55) {
        const waiter = { name, ticket: 0 };
        enqueue(fifo, waiter);
        wanted.push(waiter);
      } else if (wanted.length > 0) {
        const index = math.random() < 0.5 ? 1 : math.random(1, wanted.length);
        leave(fifo, wanted[index - 1]);
        table.remove(wanted, index);
      }
      expect(fifo.size).equal(wanted.length);
      expect(first_of(fifo)?.name).equal(wanted.length > 0 ? wanted[0].name : undefined);
    }
  });
});
