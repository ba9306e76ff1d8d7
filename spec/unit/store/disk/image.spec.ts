import { read_start } from "../../../../src/resty/sluice/store/disk/first_line";
import { deletions_of } from "../../../../src/resty/sluice/store/disk/image";
import { end_image, format_in_image, start_image } from "../../../../src/resty/sluice/store/disk/journal";
import { apply_journal, empty_state } from "../../../../src/resty/sluice/store/disk/replay";
import { name_seed, note_seed } from "../../../../src/resty/sluice/store/memory/seeds";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";
import {
  A,
  A_HEAVY,
  B,
  C,
  CHANGES,
  describe_state,
  document,
  file_of,
  JOURNAL,
  JOURNAL_START,
  load_image,
  load_journal,
  with_each_bit_flipped,
} from "../../support/saved_files";

describe("the deletions in an image", () => {
  before_each(make_dict);

  it("are those of seeds, except of upstreams that existed at its beginning", () => {
    for (const name of ["app", "web", "kept"]) name_seed(name);
    const all = ["app", "kept", "other"];
    for (const name of ["app", "web"]) note_seed(name, true);
    const lines = deletions_of(start_image(7)[0], all);
    expect(string.gsub(lines, ',"crc":"%x+"', "")[0]).equal(
      '{"revision":7,"upstream":"web","deleted":true,"seed":true}\n',
    );
  });
});

describe("an image", () => {
  const [writer, start] = start_image(3);
  const image = start + format_in_image(writer, "app", document(3, 3, [A_HEAVY, C])) + end_image(writer, 3);

  it("is refused when it is incomplete or continues after its end", () => {
    expect(load_image(image)[1]).equal(3);
    for (const length of $range(start.length, image.length - 1)) {
      expect(load_image(string.sub(image, 1, length))[2]).contains("the image was not finished");
    }
    for (const length of $range(0, start.length - 1)) {
      expect(read_start(string.sub(image, 1, length), "image")[0]).equal(undefined);
    }
    expect(load_image(`${image}x`)[2]).contains("not finished");
    expect(load_image(image + CHANGES[0])[2]).contains("line 4: a line after the last");
  });

  it("is refused when any bit is flipped", () => {
    with_each_bit_flipped(image, (damaged) => {
      if (read_start(damaged, "image")[0] !== undefined) expect(load_image(damaged)[1]).equal(undefined);
    });
  });

  it("is refused when a line is missing, duplicated or from another image", () => {
    const [, other_start] = start_image(3);
    const other = format_in_image(start_image(3)[0], "app", document(2, 3, [A, B, C]));
    const end = end_image(writer, 3);
    expect(load_image(other_start + end)[2]).contains("line 2: lines are missing or do not belong here");
    expect(load_image(other_start + other + end)[2]).contains("line 3: lines are missing");
    expect(load_image(other_start + other + other + end)[2]).contains('line 3: duplicate upstream "app"');
  });

  it("restores the state from which it was made, and the journal continues from it", () => {
    const [state] = load_image(image);
    // The journal may begin with lines whose changes the image contains.
    const [applied] = apply_journal(state, file_of("journal", JOURNAL_START + JOURNAL));
    expect(applied?.bytes).equal((JOURNAL_START + JOURNAL).length);
    expect(state.revision).equal(6);
    expect(describe_state(state)).equal(describe_state(load_journal(JOURNAL)[0]));
  });

  it("may contain later changes, because changes continue while it is written", () => {
    for (const later of $range(1, CHANGES.length)) {
      // The revision of the image is 1, but its "app" is the one after `later` changes.
      const [state_then] = load_journal(table.concat(CHANGES, "", 1, later));
      const app = state_then.upstreams.get("app");
      const state = empty_state();
      state.revision = 1;
      if (app !== undefined) state.upstreams.set("app", app);
      expect(apply_journal(state, file_of("journal", JOURNAL_START + JOURNAL))[0]?.revision).equal(6);
      expect(describe_state(state)).equal(describe_state(load_journal(JOURNAL)[0]));
    }
  });
});
