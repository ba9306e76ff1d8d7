import { parse_size, size_from } from "../../../src/resty/sluice/config/size";
import { expect } from "../support/expect";

describe("a size", () => {
  it("is a whole number with or without a unit of nginx", () => {
    expect(parse_size("0")).equal(0);
    expect(parse_size("512")).equal(512);
    expect(parse_size("64k")).equal(65536);
    expect(parse_size("16M")).equal(16777216);
    expect(parse_size("1g")).equal(1073741824);
  });

  it("is nothing else", () => {
    for (const text of ["", "k", "1.5m", "-1k", "1 k", "1kb", "1t", "1234567890123"])
      expect(parse_size(text)).equal(undefined);
  });

  it("is refused outside its range", () => {
    const read = size_from("64k", "1m");
    expect(read("max_size", "1024k")[0]).equal("1024k");
    for (const value of ["63k", "1025k", 65536, "1x"])
      expect(read("max_size", value)[1]?.text).equal('invalid "max_size": must be a size from 64k to 1m');
  });
});
