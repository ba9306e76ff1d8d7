import "../../support/nginx_stub";

import { get_text, opened, put_text } from "../../../../src/resty/sluice/store/memory/dict";
import { create } from "../../../../src/resty/sluice/store/memory/region";
import {
  put_staged,
  stage_text,
  staged_text,
  unstage,
} from "../../../../src/resty/sluice/store/memory/staging";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

/** Returns the number of keys in the dict. */
function keys(): number {
  return opened().get_keys(0).length;
}

describe("staged texts", () => {
  before_each(() => {
    make_dict();
    create(16, 4);
  });

  it("change nothing until they are put", () => {
    put_text("app", "old");
    expect(stage_text(0, "app", "newer", false)).equal("newer");
    expect(stage_text(1, "shop", "text\n", false)).equal("text\n");
    expect(get_text("app")).equal("old");
    const [name, text] = staged_text(1);
    expect([name, text]).same(["shop", "text\n"]);
    put_staged(0, "app", "newer");
    put_staged(1, "shop", "text\n");
    expect([get_text("app"), get_text("shop")]).same(["newer", "text\n"]);
  });

  it("may be those of the longest names", () => {
    const [one, other] = [string.rep("n", 128), string.rep("m", 128)];
    for (const [number, name] of ipairs([one, other])) {
      expect(stage_text(number - 1, name, name, false)).equal(name);
      put_staged(number - 1, name, name);
    }
    expect([get_text(one), get_text(other)]).same([one, other]);
  });

  it("leave nothing behind, also if they are not put", () => {
    put_text("app", "old");
    const before = keys();
    stage_text(0, "app", "newer", false);
    stage_text(1, "shop", "text", false);
    stage_text(1, "shop", "text2", false);
    unstage();
    expect(keys()).equal(before);
    expect(staged_text(0)[0]).equal(undefined);
    stage_text(0, "app", "newer", false);
    put_staged(0, "app", "newer");
    unstage();
    expect(keys()).equal(before);
  });
});
