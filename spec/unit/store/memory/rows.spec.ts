import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { active_at, create, shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import { allocate_row, free_row } from "../../../../src/resty/sluice/store/memory/rows";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const ID = 0;

function new_row(): RowNumber {
  return allocate_row(1, ID) ?? error("no row is left", 0);
}

describe("a free row", () => {
  before_each(() => {
    make_dict();
    create(400, 1);
  });

  it("is used again, the one that has been free longest first", () => {
    const rows = [new_row(), new_row(), new_row()];
    for (const row of rows) free_row(row);
    expect([new_row(), new_row(), new_row()]).same(rows);
  });

  it("is left free while requests of its last server are under way, and another one is used", () => {
    const [busy, idle] = [new_row(), new_row()];
    free_row(busy);
    free_row(idle);
    const memory = shared_memory();
    memory[active_at(busy)] = 1;
    expect(new_row()).equal(idle);
    const fresh = new_row();
    expect(fresh > idle).equal(true);
    memory[active_at(busy)] = 0;
    expect(new_row()).equal(busy);
  });
});
