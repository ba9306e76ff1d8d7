import { iso8601 } from "../../../../src/resty/sluice/lib/iso8601";
import type { Document, Drained } from "../../../../src/resty/sluice/store/document/document";
import { find_drained, with_drained } from "../../../../src/resty/sluice/store/document/drained";
import { expect } from "../../support/expect";

const NOW = 1_800_000_000;
const MINUTE = 60;

/** Returns `count` drained servers with ids from 0, removed at the same time. */
function removed_at(time: number, count: number): Drained[] {
  const drained: Drained[] = [];
  for (const id of $range(0, count - 1)) drained.push({ id, server: `10.0.0.${id}:80`, time: iso8601(time) });
  return drained;
}

describe("finished drain jobs", () => {
  it("are remembered with the time when their servers were removed", () => {
    const first = with_drained(undefined, [{ id: 3, server: "10.0.0.3:80" }], NOW);
    expect(first).same([{ id: 3, server: "10.0.0.3:80", time: iso8601(NOW) }]);
    const both = with_drained(first, [{ id: 4, server: "10.0.0.4:80" }], NOW + 1);
    expect(both.length).equal(2);
    expect(both[1].time).equal(iso8601(NOW + 1));
  });

  it("are remembered for 10 minutes, however many there are", () => {
    const drained = removed_at(NOW - 10 * MINUTE, 100);
    expect(with_drained(drained, [{ id: 100, server: "10.0.1.0:80" }], NOW).length).equal(101);
  });

  it("are forgotten later, except the last 16", () => {
    const drained = removed_at(NOW - 12 * MINUTE, 100);
    const known = with_drained(drained, [{ id: 100, server: "10.0.1.0:80" }], NOW);
    expect(known.length).equal(16);
    expect(known[0].id).equal(85);
    expect(known[15].id).equal(100);
  });

  it("are found by id or address, the latest one first", () => {
    const drained = [...removed_at(NOW, 2), ...removed_at(NOW + 1, 1)];
    const document = { drained } as Partial<Document> as Document;
    expect(find_drained(document, ({ server }) => server === "10.0.0.0:80")?.time).equal(iso8601(NOW + 1));
    expect(find_drained(document, ({ id }) => id === 1)?.server).equal("10.0.0.1:80");
    expect(find_drained(document, ({ id }) => id === 7)).equal(undefined);
  });
});
