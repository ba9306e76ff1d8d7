import { covering_range, end_of_prefix } from "../../../../src/resty/sluice/net/etcd/prefix";
import { expect } from "../../support/expect";

const LAST = string.char(255);

describe("the end of a prefix", () => {
  const ends: [string, string][] = [
    ["/upstreams/app/", "/upstreams/app0"],
    ["a", "b"],
    [`a${LAST}`, "b"],
    [`a${LAST}${LAST}`, "b"],
    [`a${string.char(254)}`, `a${LAST}`],
    [`${LAST}${LAST}`, "\0"],
    ["a\0", "a\x01"],
  ];
  for (const [prefix, end] of ends) {
    it(`is the first key after all that begin with "${string.gsub(prefix, "[^ -~]", ".")[0]}"`, () => {
      expect(end_of_prefix(prefix)).equal(end);
    });
  }
});

describe("the range that covers prefixes", () => {
  const ranges: [prefixes: string[], first: string, end: string][] = [
    [["/a/"], "/a/", "/a0"],
    [["/b/", "/a/", "/c/"], "/a/", "/c0"],
    [["/a/", "/a/b/"], "/a/", "/a0"],
    [["/a/b/", "/a"], "/a", "/b"],
    [[LAST, "a"], "a", "\0"],
    [["a", LAST, "b"], "a", "\0"],
  ];
  for (const [index, [prefixes, first, end]] of ipairs(ranges)) {
    it(`contains all of them and is as small as possible (${index})`, () => {
      expect(covering_range(prefixes)).same({ first, end });
    });
  }
});
