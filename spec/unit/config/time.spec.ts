import { parse_time } from "../../../src/resty/sluice/config/time";
import { expect } from "../support/expect";

describe("an nginx time", () => {
  it("is a number with a unit, or several from the largest to the smallest", () => {
    expect(parse_time("10s")).equal(10000);
    expect(parse_time("500ms")).equal(500);
    expect(parse_time("1h 30m")).equal(5400000);
    expect(parse_time("1d12h")).equal(129600000);
    expect(parse_time("2w")).equal(1209600000);
    expect(parse_time("1M")).equal(2592000000);
    expect(parse_time("0")).equal(0);
  });

  it("counts seconds when the last number has no unit", () => {
    expect(parse_time("15")).equal(15000);
    expect(parse_time("1m 30")).equal(90000);
  });

  it("has no other form", () => {
    for (const text of [
      "",
      " ",
      "s",
      "10x",
      "-1s",
      "1.5s",
      "1s 1m",
      "1s 1s",
      "10 s",
      "1e3",
      "9999999999999s",
      "y1",
    ]) {
      expect(parse_time(text)).equal(undefined);
    }
  });
});
