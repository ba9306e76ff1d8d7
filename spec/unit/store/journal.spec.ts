import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { difference } from "../../../src/resty/sluice/store/difference";
import { format_line, type Document, type ServerRecord } from "../../../src/resty/sluice/store/document";
import {
  format_change,
  format_deletion,
  format_image_end,
  format_image_start,
  image_revision,
} from "../../../src/resty/sluice/store/journal";
import {
  apply_image,
  apply_journal,
  empty_state,
  to_document,
  type SavedState,
  type SavedUpstream,
} from "../../../src/resty/sluice/store/replay";
import { expect } from "../support/expect";

function line(id: number, incarnation: number, server: string, weight = 1): string {
  const record: ServerRecord = { ...SERVER_DEFAULTS, id, incarnation, row: 5, server, weight };
  return format_line(record);
}

function document(revision: number, next_id: number, lines: string[]): Document {
  return { revision, next_id, row: 1, method: "round_robin", leavers: [], lines };
}

const A = line(0, 1, "10.0.0.1:80");
const B = line(1, 1, "10.0.0.2:80");
const C = line(2, 2, "10.0.0.3:80");
const A_HEAVY = line(0, 1, "10.0.0.1:80", 9);

const CHANGES = [
  format_change("app", document(1, 2, [A, B]), difference([], [A, B])),
  format_change("app", document(2, 3, [A, B, C]), difference([A, B], [A, B, C])),
  format_change("app", document(3, 3, [A_HEAVY, C]), difference([A, B, C], [A_HEAVY, C])),
  format_change("two", document(4, 0, []), difference([], [])),
  format_deletion("app", 5),
  format_change(
    "app",
    document(6, 1, [line(0, 6, "10.0.0.9:80")]),
    difference([], [line(0, 6, "10.0.0.9:80")]),
  ),
];
const JOURNAL = table.concat(CHANGES);

function load(text: string): LuaMultiReturn<[SavedState, number | undefined, string | undefined]> {
  const state = empty_state();
  const [bytes, cause] = apply_journal(state, text);
  return $multi(state, bytes, cause);
}

/** `upstream address weight; …`, in the order of ids. */
function describe_state(state: SavedState): string {
  const parts: string[] = [];
  for (const [name, saved] of pairs(state.upstreams)) {
    let text = `${name}:`;
    const restored = to_document(saved, () => 1);
    for (const server of restored?.lines ?? []) text += ` ${server}`;
    parts.push(text);
  }
  table.sort(parts);
  return table.concat(parts, "; ");
}

describe("a journal", () => {
  it("is a readable line a change", () => {
    expect(CHANGES[2]).equal(
      '{"revision":3,"upstream":"app","method":"round_robin","next_id":3,' +
        '"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80","weight":9}],"remove":[1]}\n',
    );
    expect(CHANGES[4]).equal('{"revision":5,"upstream":"app","deleted":true}\n');
  });

  it("makes the state that its lines made", () => {
    const [state, bytes] = load(CHANGES[0] + CHANGES[1] + CHANGES[2]);
    expect(bytes).equal((CHANGES[0] + CHANGES[1] + CHANGES[2]).length);
    expect(state.revision).equal(3);
    expect(describe_state(state)).equal(
      'app: 0 1 1 {"server":"10.0.0.1:80","weight":9} 2 2 1 {"server":"10.0.0.3:80"}',
    );
    expect(describe_state(load(JOURNAL)[0])).equal('app: 0 6 1 {"server":"10.0.0.9:80"}; two:');
  });

  it("loads from every prefix, byte by byte, up to the last whole line", () => {
    let whole = 0;
    let end = 0;
    for (const length of $range(0, JOURNAL.length)) {
      if (whole < CHANGES.length && length === end + CHANGES[whole].length) {
        end = length;
        whole += 1;
      }
      const [state, bytes, cause] = load(string.sub(JOURNAL, 1, length));
      expect(cause).equal(undefined);
      expect(bytes).equal(end);
      expect(state.revision).equal(whole);
    }
    expect(whole).equal(CHANGES.length);
  });

  it("is refused with the line's number when a line before the last cannot be read", () => {
    for (const damaged of [
      "garbage\n",
      "\n",
      '{"revision":2}\n',
      '{"revision":2,"upstream":"app"}\n',
      "[]\n",
    ]) {
      const [, bytes, cause] = load(CHANGES[0] + damaged + CHANGES[1]);
      expect(bytes).equal(undefined);
      expect(cause).contains("line 2 cannot be read");
    }
    const torn = string.sub(CHANGES[1], 1, 20);
    expect(load(CHANGES[0] + torn + CHANGES[1] + CHANGES[2])[2]).contains("line 2 cannot be read");
  });

  it("is refused when a revision is missing", () => {
    expect(load(CHANGES[0] + CHANGES[2])[2]).contains("line 2 has revision 3 after 1");
    expect(load(CHANGES[1])[2]).contains("line 1 has revision 2 after 0");
  });
});

describe("an image", () => {
  const image =
    format_image_start(3) +
    format_change("app", document(3, 3, [A_HEAVY, C]), difference([], [A_HEAVY, C])) +
    format_image_end(3);

  it("counts only whole", () => {
    expect(image_revision(image)).equal(3);
    for (const length of $range(0, image.length - 1)) {
      expect(image_revision(string.sub(image, 1, length))).equal(undefined);
    }
  });

  it("makes the state that it was made of, and the journal goes on from there", () => {
    const state = empty_state();
    expect(apply_image(state, image)[0]).equal(true);
    // The journal may still begin with lines that the image holds.
    const [bytes] = apply_journal(state, JOURNAL);
    expect(bytes).equal(JOURNAL.length);
    expect(state.revision).equal(6);
    expect(describe_state(state)).equal(describe_state(load(JOURNAL)[0]));
  });

  it("may hold some later changes already, for it is written while they are made", () => {
    for (const later of $range(1, CHANGES.length)) {
      // The image says revision 1, but has "app" as it was after `later` changes.
      const [state_then] = load(table.concat(CHANGES, "", 1, later));
      const app = state_then.upstreams.get("app") as SavedUpstream | undefined;
      const state = empty_state();
      state.revision = 1;
      if (app !== undefined) state.upstreams.set("app", app);
      expect(apply_journal(state, JOURNAL)[0]).equal(JOURNAL.length);
      expect(describe_state(state)).equal(describe_state(load(JOURNAL)[0]));
    }
  });

  it("is refused with the line's number when a line cannot be read", () => {
    const [applied, cause] = apply_image(
      empty_state(),
      format_image_start(3) + "garbage\n" + format_image_end(3),
    );
    expect(applied).equal(undefined);
    expect(cause).contains("line 2 cannot be read");
  });
});
