import { end_of_prefix } from "../../../../src/resty/sluice/net/etcd/prefix";
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
    it(`is what follows every key that begins with "${string.gsub(prefix, "[^ -~]", ".")[0]}"`, () => {
      expect(end_of_prefix(prefix)).equal(end);
    });
  }
});
