import { SERVER_DEFAULTS } from "../../../../src/resty/sluice/config/server";
import { count_difference, difference } from "../../../../src/resty/sluice/store/document/difference";
import { format_line, parse_line, type ServerRecord } from "../../../../src/resty/sluice/store/document/line";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { expect } from "../../support/expect";

function line(id: number, weight = 1): string {
  return format_line({
    ...SERVER_DEFAULTS,
    server: `10.0.0.${id}:80`,
    id,
    incarnation: 1,
    row: id as RowNumber,
    weight,
  });
}

function records(...lines: string[]): ServerRecord[] {
  return lines.map((text) => parse_line(text));
}

/** Returns the servers that differ, without their lines. */
function records_of(before: string[], after: string[]): { added: ServerRecord[]; removed: ServerRecord[] } {
  const { added, removed } = difference(before, after);
  return { added, removed };
}

const [A, B, C, D] = [line(1), line(2), line(3), line(4)];

describe("the difference of two versions of an upstream", () => {
  it("names the added and the removed servers in their order", () => {
    expect(records_of([A, B], [B, D, C])).same({ added: records(D, C), removed: records(A) });
  });

  it("names a changed server in both lists", () => {
    expect(records_of([A, B], [line(1, 5), B])).same({ added: records(line(1, 5)), removed: records(A) });
  });

  it("is empty for the same servers in another order", () => {
    expect(records_of([A, B], [B, A])).same({ added: [], removed: [] });
    expect(records_of([], [])).same({ added: [], removed: [] });
  });

  it("names all servers of a version when the other version has none", () => {
    expect(records_of([], [A])).same({ added: records(A), removed: [] });
    expect(records_of([A], [])).same({ added: [], removed: records(A) });
  });

  it("is counted by the servers' ids", () => {
    const changed = difference([A, B, C], [line(1, 5), line(3, 2), D]);
    expect(count_difference(changed)).same({ added: 1, removed: 1, changed: 2 });
    expect(count_difference(difference([A], [A]))).same({ added: 0, removed: 0, changed: 0 });
  });
});
