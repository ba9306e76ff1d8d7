import {
  end_image,
  format_in_image,
  format_journal_start,
  start_image,
} from "../../../../src/resty/sluice/store/disk/journal";
import {
  load_files,
  type Index,
  type Loaded,
  type TextFile,
} from "../../../../src/resty/sluice/store/disk/load";
import { difference } from "../../../../src/resty/sluice/store/document/difference";
import type { Document } from "../../../../src/resty/sluice/store/document/document";
import { expect } from "../../support/expect";
import { describe_documents, describe_state, document, restored_line } from "../../support/saved_files";
import { format_change, format_deletion } from "../../support/journal_lines";

/** The upstreams of a state by name. */
type Upstreams = Record<string, Document | undefined>;

/** The state of each revision, and the line of the change that made it. */
const STATES: Upstreams[] = [{}];
const CHANGES: string[] = [""];

/** Makes the next revision: changes an upstream, or deletes it. */
function change(name: string, lines: string[] | undefined): void {
  const revision = STATES.length;
  const before = STATES[revision - 1];
  const next = lines === undefined ? undefined : document(revision, 9, lines);
  const changed = difference(before[name]?.lines ?? [], lines ?? []);
  CHANGES.push(
    next === undefined ? format_deletion(name, revision, false) : format_change(name, next, changed),
  );
  const state: Upstreams = { ...before };
  state[name] = next;
  STATES.push(state);
}

change("app", [restored_line(0, 1, 1), restored_line(1, 1, 1)]);
change("two", [restored_line(0, 2, 1)]);
change("app", [restored_line(0, 1, 3), restored_line(1, 1, 1), restored_line(2, 3, 1)]);
change("two", undefined);
change("six", [restored_line(0, 5, 5)]);
change("app", [restored_line(0, 1, 6), restored_line(2, 3, 1)]);
change("two", [restored_line(0, 7, 7)]);
change("six", []);

/** Returns the revisions `first` to `last` as lines of a journal. */
function lines_of(first: number, last: number): string {
  const lines: string[] = [];
  for (const revision of $range(first, last)) lines.push(CHANGES[revision]);
  return table.concat(lines);
}

function journal(follows: number, last: number): string {
  return format_journal_start(follows) + lines_of(follows + 1, last);
}

/** Returns an image of `revision`. It may contain the upstreams of a later state instead. */
function image(revision: number, upstreams = STATES[revision], until = revision): string {
  const [writer, start] = start_image(revision);
  let text = start;
  for (const name of ["app", "six", "two"]) {
    const found = upstreams[name];
    if (found !== undefined) text += format_in_image(writer, name, found);
  }
  return text + end_image(writer, until);
}

/** The four files: image.0, image.1, journal.0, journal.1. */
type Files = [string, string, string, string];

function load([image_0, image_1, journal_0, journal_1]: Files): LuaMultiReturn<
  [Loaded | undefined, string | undefined]
> {
  const named = (kind: string, texts: string[]): TextFile[] => [
    { path: `${kind}.0`, text: texts[0] },
    { path: `${kind}.1`, text: texts[1] },
  ];
  return load_files(named("image", [image_0, image_1]), named("journal", [journal_0, journal_1]));
}

/** Asserts that files contain the state of a revision. Returns the loaded state. */
function expect_revision(files: Files, revision: number): Loaded {
  const [loaded, cause] = load(files);
  if (loaded === undefined) return error(`revision ${revision} was not loaded: ${cause ?? ""}`, 0);
  expect(loaded.state.revision).equal(revision);
  expect(describe_state(loaded.state)).equal(describe_documents(STATES[revision]));
  return loaded;
}

/** Asserts that files are refused with a reason that contains a text. */
function expect_refusal(files: Files, text: string): void {
  const [loaded, cause] = load(files);
  expect(loaded).equal(undefined);
  expect(cause).contains(text);
}

/** Flips a bit of the second line of a text. */
function damaged(text: string): string {
  const position = string.find(text, "\n", 1, true)[0] + 5;
  const flipped = string.char(string.byte(text, position) ^ 1);
  return string.sub(text, 1, position - 1) + flipped + string.sub(text, position + 1);
}

const LAST = STATES.length - 1;

describe("a crash while the first files are created", () => {
  it("leaves an empty state, at whichever byte the write stops", () => {
    const start = format_journal_start(0);
    for (const length of $range(0, start.length)) {
      const loaded = expect_revision(["", "", "", string.sub(start, 1, length)], 0);
      expect(loaded.needs_image).equal(true);
    }
    const empty = image(0);
    for (const length of $range(0, empty.length)) {
      expect_revision(["", string.sub(empty, 1, length), "", start], 0);
    }
    expect(expect_revision(["", empty, "", start], 0).needs_image).equal(false);
  });
});

describe("a crash during a compaction", () => {
  const before = image(2);
  const old = journal(2, 5);

  it("leaves the whole state, at whichever byte of the next journal's first line the write stops", () => {
    const start = format_journal_start(5);
    for (const length of $range(0, start.length - 1)) {
      const loaded = expect_revision([before, "", old, string.sub(start, 1, length)], 5);
      expect(loaded.journal).equal(0);
    }
    expect(expect_revision([before, "", old, start], 5).journal).equal(1);
    // The worker has died before writes continued in the next journal.
    const loaded = expect_revision([before, "", old + CHANGES[6], start], 6);
    expect(loaded.journal).equal(0);
    expect(loaded.needs_image).equal(false);
  });

  it("leaves the whole state, at whichever byte of the image the write stops and whatever changed meanwhile", () => {
    for (const last of $range(5, LAST)) {
      for (const seen of $range(5, last)) {
        const next = image(5, STATES[seen], seen);
        const step = last === LAST ? 1 : next.length;
        for (const length of $range(0, next.length, step)) {
          expect_revision([before, string.sub(next, 1, length), old, journal(5, last)], last);
        }
        expect_revision([before, next, old, journal(5, last)], last);
        expect_revision([before, next, "", journal(5, last)], last);
      }
    }
  });

  it("may leave an unfinished last line, which is ignored because it was never acknowledged", () => {
    const torn = journal(5, 7) + string.sub(CHANGES[8], 1, 30);
    const loaded = expect_revision([before, image(5), "", torn], 7);
    expect(loaded.journal_bytes).same([0, journal(5, 7).length]);
    expect(loaded.warnings).same(["journal.1: line 4: the line was not finished and is left out"]);
    // The unfinished line may stay while writes continue in the other journal.
    expect_revision([before, "", old + string.sub(CHANGES[6], 1, 30), journal(5, 7)], 7);
  });

  it("leaves the changes of both journals if an earlier compaction failed", () => {
    expect(expect_revision([before, image(7), old, journal(5, 7)], 7).journal).equal(1);
    expect_revision([image(8), image(7), old, journal(5, 8)], 8);
  });
});

describe("a damaged file", () => {
  const steady: Files = [image(2), image(5), "", journal(5, 7)];

  it("is ignored when it is not needed", () => {
    expect_revision([damaged(image(2)), image(5), "", journal(5, 7)], 7);
    expect_revision(["garbage\n", image(5), "", journal(5, 7)], 7);
  });

  it("is refused with its name and line when it is needed", () => {
    const [old, newest, , current] = steady;
    expect_refusal([old, damaged(newest), "", current], "image.1: line 2: the line is damaged");
    expect_refusal([old, damaged(newest), "", format_journal_start(5)], "image.1: line 2");
    expect_refusal([old, damaged(newest), "", ""], "image.1: line 2");
    expect_refusal([old, newest, "", damaged(current)], "journal.1: line 2: the line is damaged");
    expect_refusal([old, newest, "", "garbage\n" + current], "journal.1: line 1: the line is damaged");
    expect_refusal([old, newest, "", lines_of(6, 7)], "journal.1: line 1: not the first line");
    const without_end = `${string.sub(current, 1, -2)}\v`;
    expect_refusal([old, newest, "", without_end], "journal.1: line 3: the end of the line is damaged");
  });

  it("is refused when it is empty or missing", () => {
    const [old, newest, , current] = steady;
    expect_refusal([old, newest, "", ""], "journal.0: line 1: neither journal has a first line");
    expect_refusal([old, "", "", current], "journal.1: line 1: the journal follows revision 5");
    expect_refusal(["", "", "", current], "journal.1: line 1: the journal follows revision 5");
  });

  it("is replaced by the previous image and journal if they exist", () => {
    const loaded = expect_revision([image(2), damaged(image(5)), journal(2, 5), journal(5, 7)], 7);
    expect(loaded.image).equal(0);
    expect(loaded.warnings[0]).contains("image.1: line 2: the line is damaged");
    expect_refusal(
      [image(2), damaged(image(5)), damaged(journal(2, 5)), journal(5, 7)],
      "journal.0: line 2: the line is damaged",
    );
    expect_refusal(
      [image(2), damaged(image(5)), journal(2, 4), journal(5, 7)],
      "journal.1: line 1: the journal follows revision 5, but only revision 4 is there",
    );
  });

  it("is refused when the journal lacks changes that the image contains", () => {
    const later = image(5, STATES[7], 7);
    expect_revision([later, "", "", journal(5, 7)], 7);
    expect_refusal(
      [later, "", "", journal(5, 6)],
      "journal.1: line 3: the journal ends, but the image holds changes up to revision 7",
    );
  });
});

describe("the files of version 0.1.0", () => {
  function old(text: string): string {
    const [without_starts] = string.gsub(text, '{"sluice":"journal"[^\n]*\n', "");
    const [with_start] = string.gsub(
      without_starts,
      '{"sluice":"image","format":2,"revision":(%d+)[^\n]*\n',
      '{"image":%1}\n',
    );
    const [with_end] = string.gsub(with_start, '{"end":(%d+)[^\n]*\n', '{"end":%1}\n');
    return string.gsub(with_end, ',"crc":"%x+"}\n', "}\n")[0];
  }

  it("are loaded, and a new image is needed", () => {
    const files: [Files, number][] = [
      [["", "", old(journal(0, 3)), ""], 3],
      [[old(image(5)), old(image(2)), old(journal(5, 8)), ""], 8],
      [[old(image(5)), "", "", ""], 5],
      [[old(image(5)), "", old(journal(2, 5)), old(journal(5, 6))], 6],
    ];
    for (const [saved, revision] of files) {
      expect(expect_revision(saved, revision).needs_image).equal(true);
    }
  });

  it("are loaded after a crash at any byte of their last start", () => {
    const start = format_journal_start(8);
    const whole = image(8);
    for (const length of $range(0, start.length)) {
      expect_revision([old(image(5)), "", old(journal(5, 8)), string.sub(start, 1, length)], 8);
      expect_revision([old(image(8)), "", "", string.sub(start, 1, length)], 8);
    }
    for (const length of $range(0, whole.length)) {
      expect_revision([old(image(5)), string.sub(whole, 1, length), old(journal(5, 8)), start], 8);
      expect_revision([old(image(8)), string.sub(whole, 1, length), "", start], 8);
    }
    for (const length of $range(0, start.length)) {
      expect_revision([old(image(5)), whole, string.sub(start, 1, length), start], 8);
    }
  });
});

describe("a loaded state", () => {
  function of_lines(lines: string[], next_id: number): Files {
    const changed = document(1, next_id, lines);
    const text = format_journal_start(0) + format_change("app", changed, difference([], lines));
    return ["", "", text, ""];
  }

  it("is refused with a duplicate address, an id not below the next one, or a server the method does not allow", () => {
    const twice = string.gsub(restored_line(1, 1, 1), "10%.0%.0%.2", "10.0.0.1")[0];
    expect_refusal(
      of_lines([restored_line(0, 1, 1), twice], 2),
      'journal.0: line 2: upstream "app": duplicate server',
    );
    expect_refusal(of_lines([restored_line(0, 1, 1)], 0), "the id 0 is not below the next one");
    const [heavy] = string.gsub(of_lines([restored_line(0, 1, 2000)], 1)[2], ',"crc":"%x+"}\n', "}\n");
    const [hashed] = string.gsub(heavy, '"round_robin"', '"hash","hash":{"key":"$uri","consistent":true}');
    const [change_line] = string.match(hashed, "\n(.*)$");
    expect_refusal(
      ["", "", change_line, ""],
      'journal.0: line 1: upstream "app": server "10.0.0.1:80": invalid "weight"',
    );
  });

  it("names the image and the journal that are in use", () => {
    const loaded = expect_revision([image(2), image(5), "", journal(5, 7)], 7);
    const used: [Index | undefined, Index] = [loaded.image, loaded.journal];
    expect(used).same([1, 1]);
    expect(loaded.image_bytes).equal(image(5).length);
    expect(loaded.needs_image).equal(false);
  });
});
