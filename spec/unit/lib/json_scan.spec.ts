import { new_scan, read_object, read_whole_object } from "../../../src/resty/sluice/lib/json_scan";
import type { Result } from "../../../src/resty/sluice/lib/result";
import { end_of_value } from "../../../src/resty/sluice/lib/json_scan";
import { expect } from "../support/expect";

let pauses = 0;

/** Returns the members of an object as texts, or the error. */
function members_of(text: string): Record<string, string> | string {
  const members: Record<string, string> = {};
  const scan = new_scan(text, () => {
    pauses += 1;
  });
  const flaw = read_whole_object(scan, (name, from): Result<number> => {
    const end = end_of_value(scan, from);
    if (end === undefined) return $multi(undefined, "no value");
    members[name] = string.sub(text, from, end);
    return $multi(end, undefined);
  });
  return flaw ?? members;
}

describe("the members of a JSON object", () => {
  before_each(() => {
    pauses = 0;
  });

  it("are texts by their decoded names", () => {
    expect(members_of(' { "a" : {"b":[1,"}"]} , "c\\u0064":null,"e":"\\"," } ')).same({
      a: '{"b":[1,"}"]}',
      cd: "null",
      e: '"\\","',
    });
    expect(members_of("{}")).same({});
  });

  it("are read with pauses", () => {
    expect(type(members_of(`{"a":[${string.rep('"x",', 2000)}1]}`))).equal("table");
    expect(pauses > 5).equal(true);
  });

  for (const text of [
    "",
    "[]",
    "{",
    '{"a"}',
    '{"a":1',
    '{"a":1,}',
    '{"a":1} x',
    "{a:1}",
    '{"a":[}',
    '{"a" 1}',
  ]) {
    it(`are refused in ${text}`, () => {
      expect(typeof members_of(text)).equal("string");
    });
  }

  it("of an object within the text are read from its bracket on", () => {
    const text = '[{"a":1}]';
    const names: string[] = [];
    const [end] = read_object(
      new_scan(text, () => {
        // Short.
      }),
      2,
      (name, from): Result<number> => {
        names.push(name);
        return $multi(from, undefined);
      },
    );
    expect(names).same(["a"]);
    expect(end).equal(8);
  });
});
