import { difference } from "../../../../src/resty/sluice/store/document/difference";
import { expect } from "../../support/expect";

describe("the difference of two sets of lines", () => {
  it("is what came and what went, in order", () => {
    expect(difference(["a", "b", "c"], ["c", "d", "a", "e"])).same({ added: ["d", "e"], removed: ["b"] });
  });

  it("is nothing between equals, whatever their order", () => {
    expect(difference(["a", "b"], ["b", "a"])).same({ added: [], removed: [] });
    expect(difference([], [])).same({ added: [], removed: [] });
  });

  it("is everything against nothing", () => {
    expect(difference([], ["a"])).same({ added: ["a"], removed: [] });
    expect(difference(["a"], [])).same({ added: [], removed: ["a"] });
  });
});
