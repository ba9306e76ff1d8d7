import { no_pause } from "../../../src/resty/sluice/lib/pause";
import { smallest } from "../../../src/resty/sluice/lib/tables";
import { expect } from "../support/expect";

describe("the smallest texts", () => {
  it("are found in one pass, in their order", () => {
    const texts: string[] = [];
    for (const number of $range(0, 499)) texts.push(string.format("%03d", (number * 7) % 500));
    expect(smallest(texts, 4, no_pause)).same(["000", "001", "002", "003"]);
    expect(smallest(["b", "a", "c"], 20, no_pause)).same(["a", "b", "c"]);
    expect(smallest([], 20, no_pause)).same([]);
  });
});
