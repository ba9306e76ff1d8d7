import { deletions_of } from "../../../../src/resty/sluice/store/disk/image";
import { start_image } from "../../../../src/resty/sluice/store/disk/journal";
import { name_seed, note_seed } from "../../../../src/resty/sluice/store/memory/seeds";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

describe("an image", () => {
  before_each(make_dict);

  it("contains the deletions of seeds, except of upstreams that existed at its beginning", () => {
    for (const name of ["app", "web", "kept"]) name_seed(name);
    const all = ["app", "kept", "other"];
    for (const name of ["app", "web"]) note_seed(name, true);
    const lines = deletions_of(start_image(7)[0], all);
    expect(string.gsub(lines, ',"crc":"%x+"', "")[0]).equal(
      '{"revision":7,"upstream":"web","deleted":true,"seed":true}\n',
    );
  });
});
