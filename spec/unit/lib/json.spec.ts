import {
  decode,
  encode,
  is_equal,
  json_null,
  list,
  shape,
  shaped,
  words,
} from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

describe("JSON", () => {
  it("distinguishes an empty list from an empty object", () => {
    expect(encode({ peers: list([]), codes: {} })).equal('{"codes":{},"peers":[]}');
  });

  it("writes whole numbers exactly up to 2^53", () => {
    expect(encode(123456789012345)).equal("123456789012345");
    expect(encode(9007199254740992)).equal("9007199254740992");
    expect(encode(-3)).equal("-3");
    expect(encode(0.5)).equal("0.5");
  });

  it("writes only the members of the shape, in its order", () => {
    expect(encode(shaped({ a: 1, b: "x", c: true }, shape(["c", "a", "d"])))).equal('{"c":true,"a":1}');
  });

  it("escapes text", () => {
    expect(encode('a"b\n')).equal('"a\\"b\\n"');
  });

  it("is equal if its text is", () => {
    for (const [one, other] of [
      [1, 1],
      ["a", "a"],
      [json_null, json_null],
      [
        { a: 1, b: list([]) },
        { b: list([]), a: 1 },
      ],
    ])
      expect(is_equal(one, other)).equal(true);
    for (const [one, other] of [
      [1, "1"],
      [false, json_null],
      [{ a: 1 }, { a: 1, b: 2 }],
      [list([]), {}],
      [{ a: { b: 1 } }, { a: { b: 2 } }],
    ])
      expect(is_equal(one, other)).equal(false);
    expect(is_equal(undefined, false)).equal(false);
  });

  it("names the members of an object in one text", () => {
    expect(words("  id server\n weight ")).same(["id", "server", "weight"]);
  });

  it("accepts JSON and refuses text that only resembles it", () => {
    expect(decode('{"a":[1,null]}')[0]).same({ a: [1, json_null] });
    for (const text of ["", "{", "{a:1}", "[NaN]", "[0x10]", "[1,]", "{} {}", "nul"]) {
      expect(decode(text)[0]).equal(undefined);
      expect(decode(text)[1]).truthy();
    }
  });
});
