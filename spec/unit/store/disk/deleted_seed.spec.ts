import {
  end_image,
  format_deleted_seed,
  format_in_image,
  format_journal_start,
  start_image,
} from "../../../../src/resty/sluice/store/disk/journal";
import { apply_journal, empty_state, type SavedState } from "../../../../src/resty/sluice/store/disk/replay";
import { seal } from "../../../../src/resty/sluice/store/disk/sealed";
import { expect } from "../../support/expect";
import { document, file_of, load_image, load_journal } from "../../support/saved_files";
import { format_change, format_deletion } from "../../support/journal_lines";

/** Tests deletions of seeds, the upstreams of `setup`, in journals and images. */

const NOTHING = { added: [], removed: [] };
const CREATED = format_change("app", document(1), NOTHING);
const DELETED = format_deletion("app", 2, true);
const CREATED_AGAIN = format_change("app", document(3), NOTHING);

function applied(state: SavedState, changes: string, follows = 0): SavedState {
  const [done, cause] = apply_journal(state, file_of("journal", format_journal_start(follows) + changes));
  if (done === undefined) error(cause ?? "", 0);
  return state;
}

describe("the deletion of a seed", () => {
  it("is written as a readable line", () => {
    expect(string.match(DELETED, '^(.*),"crc"')[0]).equal(
      '{"revision":2,"upstream":"app","deleted":true,"seed":true',
    );
  });

  it("is remembered until the upstream is created again", () => {
    const deleted = applied(empty_state(), CREATED + DELETED);
    expect(deleted.upstreams.has("app")).equal(false);
    expect(deleted.deleted_seeds.has("app")).equal(true);
    const again = applied(empty_state(), CREATED + DELETED + CREATED_AGAIN);
    expect(again.upstreams.has("app")).equal(true);
    expect(again.deleted_seeds.has("app")).equal(false);
  });

  it("is not assumed for the deletions in older files, which have no `seed`", () => {
    const state = applied(empty_state(), CREATED + format_deletion("app", 2, false));
    expect(state.upstreams.has("app")).equal(false);
    expect(state.deleted_seeds.has("app")).equal(false);
  });

  it("is stored in an image, and the next journal continues from it", () => {
    const [writer, start] = start_image(2);
    const image =
      start +
      format_deleted_seed(writer, "app") +
      format_in_image(writer, "web", document(1)) +
      end_image(writer, 2);
    const [state, until, cause] = load_image(image);
    expect(cause).equal(undefined);
    expect(until).equal(2);
    expect(state.deleted_seeds.has("app")).equal(true);
    expect(applied(state, CREATED_AGAIN, 2).deleted_seeds.has("app")).equal(false);
  });

  it("may be in an image before it is in the journal", () => {
    const [writer, start] = start_image(1);
    const image = start + format_deleted_seed(writer, "app") + end_image(writer, 2);
    const [state] = load_image(image);
    expect(applied(state, DELETED, 1).deleted_seeds.has("app")).equal(true);
    expect(state.revision).equal(2);
  });

  for (const [what, line] of [
    [
      "if a line without a deletion has `seed`",
      '"upstream":"app","seed":true,"method":"round_robin","next_id":0,"put":[],"remove":[]',
    ],
    ["if `seed` is not true", '"upstream":"app","deleted":true,"seed":1'],
  ]) {
    it(`is refused ${what}`, () => {
      const sealed = seal(`{"revision":1,${line}}`);
      const [, bytes, cause] = load_journal(sealed);
      expect(bytes).equal(undefined);
      expect(cause).contains("line 2");
      expect(cause).contains("seed");
    });
  }
});
