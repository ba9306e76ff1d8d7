import "../../support/nginx_stub";

import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { Header } from "../../../../src/resty/sluice/store/memory/header_cells";
import {
  changes_of,
  new_follower,
  next_changes,
  note_changes,
} from "../../../../src/resty/sluice/store/memory/changes";
import { create, shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import { ChangeKind } from "../../../../src/resty/sluice/store/memory/upstream_change";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

/** Makes a revision that changes some upstreams. */
function change(...names: string[]): void {
  const memory = shared_memory();
  const made = memory[Header.REVISION] + 1;
  const changes = names.map((name, index) => {
    const counts = { added: index, removed: 1, changed: 2 };
    return { name, row: (index + 1) as RowNumber, kind: ChangeKind.CREATED, counts };
  });
  expect(note_changes(made, changes)).equal(true);
  memory[Header.REVISION] = made;
  if (names.length > 1) memory[Header.WRITES_OF_SEVERAL] = memory[Header.WRITES_OF_SEVERAL] + 1;
}

function names_of(made: number): string[] | undefined {
  return changes_of(made)?.changes.map(({ name }) => name);
}

describe("a change of several upstreams", () => {
  before_each(() => {
    make_dict();
    create(16, 4);
  });

  it("is kept with all its upstreams, between changes of one", () => {
    change("a");
    change("b", "c:@~", "d");
    change("e");
    expect([names_of(1), names_of(2), names_of(3)]).same([["a"], ["b", "c:@~", "d"], ["e"]]);
    const [, second] = changes_of(2)?.changes ?? [];
    expect(second).same({
      name: "c:@~",
      row: 2 as RowNumber,
      kind: ChangeKind.CREATED,
      counts: { added: 1, removed: 1, changed: 2 },
    });
  });

  it("is passed on to followers", () => {
    const follower = { revision: 0 };
    change("a");
    change("b", "c");
    expect(next_changes(follower)[0]).same(["a", "b", "c"]);
  });

  it("lets a follower look at all upstreams once its list was replaced", () => {
    const follower = { revision: 0 };
    change("a", "b");
    for (const number of $range(1, 16)) change(`u${number}`, `v${number}`);
    expect(names_of(1)).same([]);
    expect(names_of(2)).same(["u1", "v1"]);
    expect(next_changes(follower)[1]).equal(true);
    expect(next_changes(new_follower())[1]).equal(true);
  });
});
