import "../../support/nginx_stub";

import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { Header } from "../../../../src/resty/sluice/store/memory/header_cells";
import {
  all_names,
  changes_of,
  follow_upstreams,
  list_names,
  MOST_AT_ONCE,
  new_follower,
  next_changes,
  note_changes,
  type Follower,
} from "../../../../src/resty/sluice/store/memory/changes";
import { delete_text, put_text } from "../../../../src/resty/sluice/store/memory/dict";
import { CHANGES, create, shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import { ChangeKind, type Counts } from "../../../../src/resty/sluice/store/memory/upstream_change";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

/** The number of changes that are kept: a write under way uses the others' places. */
const KEPT = CHANGES - MOST_AT_ONCE;

const NONE = { added: 0, removed: 0, changed: 0 };

function change(name: string, kind = ChangeKind.CHANGED, counts: Counts = NONE): void {
  const memory = shared_memory();
  note_changes(memory[Header.REVISION] + 1, [{ name, row: 1 as RowNumber, kind, counts }]);
  memory[Header.REVISION] = memory[Header.REVISION] + 1;
}

function follower_of_now(): Follower {
  return { revision: shared_memory()[Header.REVISION] };
}

describe("a follower of changes", () => {
  before_each(() => {
    create(16, 4);
  });

  it("receives nothing while there are no changes", () => {
    expect(next_changes(follower_of_now())[0]).equal(undefined);
  });

  it("receives the names of the upstreams that have changed since the last call", () => {
    const longest = string.rep("n", 128);
    const follower = follower_of_now();
    change("app");
    change(longest);
    expect(next_changes(follower)[0]).same(["app", longest]);
    expect(next_changes(follower)[0]).equal(undefined);
    change("a");
    change("a");
    const [names, are_all] = next_changes(follower);
    expect(names).same(["a", "a"]);
    expect(are_all).equal(false);
  });

  it("can follow any number of changes unless it falls too far behind", () => {
    const follower = follower_of_now();
    for (const round of $range(1, 20)) {
      for (const number of $range(1, KEPT)) change(`u${round}.${number}`);
      const [names] = next_changes(follower);
      expect(names?.length).equal(KEPT);
      expect(names?.[0]).equal(`u${round}.1`);
      expect(names?.[KEPT - 1]).equal(`u${round}.${KEPT}`);
    }
  });
});

describe("the ring of changes", () => {
  before_each(() => {
    make_dict();
    create(16, 4);
  });

  it("tells what a revision has changed", () => {
    change("app", ChangeKind.CREATED, { added: 3, removed: 0, changed: 0 });
    change("app", ChangeKind.CHANGED, { added: 1, removed: 2, changed: 4 });
    change("app", ChangeKind.DELETED, { added: 0, removed: 2, changed: 0 });
    const changes = [1, 2, 3].map((made) => changes_of(made)?.changes[0]);
    expect(changes.map((made) => made?.kind)).same([
      ChangeKind.CREATED,
      ChangeKind.CHANGED,
      ChangeKind.DELETED,
    ]);
    expect(changes[1]?.name).equal("app");
    expect(changes[1]?.counts).same({ added: 1, removed: 2, changed: 4 });
    expect(math.abs((changes_of(2)?.time ?? 0) - os.time()) <= 2).equal(true);
  });

  it("forgets a change before the next write may overwrite it", () => {
    for (const number of $range(1, KEPT + 1)) change(`u${number}`);
    expect(changes_of(1)).equal(undefined);
    expect(changes_of(2)?.changes[0].name).equal("u2");
    change("more");
    expect(changes_of(2)).equal(undefined);
    expect(changes_of(3)?.changes[0].name).equal("u3");
  });
});

describe("the list of all upstreams", () => {
  before_each(() => {
    make_dict();
    create(16, 4);
    put_text("old", "{}");
    list_names();
  });

  it("is not made again while the changes since are kept", () => {
    delete_text("old");
    change("new");
    expect(all_names()).same(["old", "new"]);
    expect(next_changes(new_follower())[0]).same(["old", "new"]);
    change("newer");
    expect(all_names()).same(["old", "new", "newer"]);
  });

  it("is made again after too many changes", () => {
    delete_text("old");
    put_text("new", "{}");
    for (const number of $range(1, KEPT)) change(`u${number}`);
    expect(all_names().length).equal(1 + KEPT);
    change("more");
    expect(all_names()).same(["new"]);
  });
});

describe("following upstreams", () => {
  let looked: string[] = [];
  const known = new LuaTable<string, boolean>();
  const look_at = (name: string) => {
    looked.push(name);
  };
  const never_ends = () => true;

  before_each(() => {
    make_dict();
    create(16, 4);
    list_names();
    looked = [];
  });

  it("looks at each upstream that has changed since the last call", () => {
    const follower = follower_of_now();
    change("app");
    follow_upstreams(follower, known, look_at, never_ends);
    follow_upstreams(follower, known, look_at, never_ends);
    expect(looked).same(["app"]);
  });

  it("looks at a deleted upstream that the caller knows, even when the changes were not kept", () => {
    known.set("gone", true);
    follow_upstreams(new_follower(), known, look_at, never_ends);
    known.delete("gone");
    expect(looked).same(["gone"]);
  });

  it("looks at all upstreams again after an error", () => {
    const follower = follower_of_now();
    change("app");
    const fails = () => {
      error("failed");
    };
    expect(pcall(() => follow_upstreams(follower, known, fails, never_ends))[0]).equal(false);
    expect(follower.revision).equal(new_follower().revision);
    follow_upstreams(follower, known, look_at, never_ends);
    expect(next_changes(follower)[0]).equal(undefined);
  });
});
