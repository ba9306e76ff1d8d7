import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { forget_reason, keep_reason, reason_of } from "../../../../src/resty/sluice/store/memory/reasons";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const ROW = 7 as RowNumber;

describe("the reason of a state", () => {
  before_each(make_dict);

  it("is kept for one incarnation of a server", () => {
    keep_reason(ROW, 3, "/health returned 503\nand more");
    expect(reason_of(ROW, 3)).equal("/health returned 503\nand more");
    expect(reason_of(ROW, 4)).equal(undefined);
    expect(reason_of(8 as RowNumber, 3)).equal(undefined);
    keep_reason(ROW, 4, "");
    expect(reason_of(ROW, 3)).equal(undefined);
    expect(reason_of(ROW, 4)).equal("");
    forget_reason(ROW);
    expect(reason_of(ROW, 4)).equal(undefined);
  });

  it("is unknown rather than wrong when the dict is full", () => {
    keep_reason(ROW, 3, "a request failed with 502");
    const dict = ngx.shared.sluice as SharedDict;
    dict.safe_set = () => $multi(undefined, "no memory");
    keep_reason(ROW, 3, "/health returned 503");
    expect(reason_of(ROW, 3)).equal(undefined);
  });
});
