import { decode, encode } from "../../../src/resty/sluice/lib/json";
import { decode_object, read_items } from "../../../src/resty/sluice/lib/json_items";
import { expect } from "../support/expect";
import { expect_quick } from "../support/quick";

function read(text: string): LuaMultiReturn<[unknown[], boolean | undefined, string | undefined]> {
  const items: unknown[] = [];
  const [is_there, cause] = read_items(
    text,
    "servers",
    () => undefined,
    (item) => {
      items.push(item);
    },
  );
  return $multi(items, is_there, cause);
}

describe("the items of a list in a JSON object", () => {
  const accepted: [text: string, items: unknown[]][] = [
    ['{"servers":[]}', []],
    [' {\n"servers" : [ ] }\n', []],
    ['{"servers":[1, "a" ,true,{"b":[2,{}]}]}', [1, "a", true, { b: [2, {}] }]],
    ['{"a":"]}","b":{"servers":[9]},"servers":["x\\"],","y\\\\"],"c":[1]}', ['x"],', "y\\"]],
    ['{"servers":["a"],"servers":["b"]}', ["a", "b"]],
  ];
  for (const [text, wanted] of accepted) {
    it(`are those of ${text}`, () => {
      const [items, is_there, cause] = read(text);
      expect(cause).equal(undefined);
      expect(is_there).equal(true);
      expect(items).same(wanted);
    });
  }

  for (const text of ["[]", "{}", '{"a":[1]}', '{"servers":null}', '{"servers":{"a":1}}', '{"servers":7}']) {
    it(`do not exist in ${text}`, () => {
      expect(read(text)[1]).equal(false);
    });
  }

  for (const text of [
    "",
    " ",
    "x",
    "{",
    '{"servers"',
    '{"servers":',
    '{"servers":[',
    '{"servers":[1',
    '{"servers":[1,',
    '{"servers":[1,]}',
    '{"servers":[,1]}',
    '{"servers":[1 2]}',
    '{"servers":[1]',
    '{"servers":[1]}}',
    '{"servers":[1]} x',
    '{"servers":[1],}',
    '{"servers":[{"a":1]]}',
    '{"servers":[nonsense]}',
    '{"servers":["a]}',
    '{"a":nonsense,"servers":[1]}',
    "{servers:[1]}",
    '{"servers":[1];"a":2}',
  ]) {
    it(`cannot be read from ${string.format("%q", text)}, which is not JSON`, () => {
      const [, is_there, cause] = read(text);
      expect(is_there).equal(undefined);
      expect(type(cause)).equal("string");
    });
  }

  it("may be many", () => {
    const texts: string[] = [];
    for (const number of $range(1, 5000)) texts.push(`{"server":"10.0.0.1:${number}"}`);
    const [items, is_there] = read(`{"servers":[${table.concat(texts, ",\n")}]}`);
    expect(is_there).equal(true);
    expect(items.length).equal(5000);
    expect(items[4321]).same({ server: "10.0.0.1:4322" });
  });

  it("take linear time to read", () => {
    expect_quick(() => {
      for (const part of ["[", '"', " ", "{", "\\", "1,", '"a",']) {
        const text = `{"servers":[${string.rep(part, 100_000)}`;
        expect(read(text)[1]).equal(undefined);
      }
    });
  });
});

describe("an object that is decoded in pieces", () => {
  const LONG = 3000;
  const items: Record<string, string> = {
    objects: '{"server":"10.0.0.1:80","weight":2}',
    "objects in objects": '{"a":[{"b":1},{"c":2}],"d":{"e":{}}}',
    "texts like the end of an item": '{"a":"},{","b":"]},"}',
    numbers: "12345678",
  };
  for (const [name, item] of pairs(items)) {
    it(`is the same as a whole, with ${name}`, () => {
      const text = `{"x":{"y":[1]},"servers":[${string.rep(`${item},`, LONG)}${item}],"z":[${item}],"n":null}`;
      let pauses = 0;
      const object = decode_object(text, () => {
        pauses += 1;
      });
      expect(encode(object)).equal(encode(decode(text)[0]));
      expect(pauses > 2).equal(true);
    });
  }

  it("is as deep as the decoder permits", () => {
    for (const depth of $range(990, 1010)) {
      for (const text of [
        `{"a":[${string.rep("[", depth)}${string.rep("]", depth)}]}`,
        `{"a":${string.rep('{"b":', depth)}1${string.rep("}", depth)}}`,
      ])
        expect(decode_object(text, () => undefined) === undefined).equal(decode(text)[0] === undefined);
    }
  });

  it("takes linear time", () => {
    const EIGHTH = 131_072;
    for (const member of ['"a":[1],', '"a":[{},1],', '"a":[[{},1]],', '"a":{},']) {
      expect_quick(() => {
        expect(decode_object(`{${string.rep(member, EIGHTH)}"b":{},"c":1}`, () => undefined)?.c).equal(1);
      });
    }
  });

  it("is refused if it is not JSON, or not an object", () => {
    const list = string.rep('{"a":1},', LONG);
    for (const text of [`{"servers":[${list}]}`, `{"servers":[${list}1`, `[${list}1]`, `{"a":[${list}1]} x`])
      expect(decode_object(text, () => undefined)).equal(undefined);
  });
});

const PIECES = [
  "}",
  "{",
  "]",
  "[",
  ",",
  '"',
  ":",
  "},",
  "},{",
  "],",
  "\\",
  "\0",
  " ",
  "1",
  '"x":[',
  "null",
  "\xff",
];

/** Returns a random JSON value. */
function random_value(depth: number): string {
  const kind = math.random(1, depth > 4 ? 6 : 9);
  if (kind <= 4) return ['"},{"', "1e400", "-0", '"\\"},\\\\"', "null", "false"][math.random(0, 5)];
  if (kind <= 6) return `"${string.rep("x", math.random(0, 300))}"`;
  const members: string[] = [];
  for (const _ of $range(1, math.random(0, 4))) members.push(random_value(depth + 1));
  if (kind === 7) return `[${members.join(" , ")}]`;
  return `{${members.map((value, index) => `"${index % 3}":${value}`).join(",")}}`;
}

/** Returns a random JSON object, of which some lists are longer than a step. */
function random_object(): string {
  const members: string[] = [];
  for (const _ of $range(1, math.random(1, 3))) {
    const items: string[] = [];
    const is_mixed = math.random() < 0.5;
    for (const _ of $range(1, math.random(1, 400)))
      items.push(is_mixed ? random_value(2) : `{"server":"10.0.0.1:80","a":${random_value(3)}}`);
    members.push(`"m${math.random(1, 3)}":[${items.join(math.random() < 0.8 ? "," : " ,\n")}]`);
    members.push(`"m${math.random(1, 3)}":${random_value(1)}`);
  }
  return `{${members.join(",")}}`;
}

/** Damages a text in some random places. */
function damaged(text: string): string {
  let result = text;
  for (const _ of $range(1, math.random(0, 2))) {
    const from = math.random(1, result.length);
    const piece = PIECES[math.random(0, PIECES.length - 1)];
    result = string.sub(result, 1, from - 1) + piece + string.sub(result, from + math.random(0, 2));
  }
  return result;
}

describe("a random text that is decoded in pieces", () => {
  const ROUNDS = 2000;
  it("is refused like the whole text, or means the same", () => {
    let accepted = 0;
    for (const _ of $range(1, ROUNDS)) {
      const text = damaged(random_object());
      const [whole] = decode(text);
      const pieces = decode_object(text, () => undefined);
      expect(pieces === undefined).equal(whole === undefined);
      if (pieces !== undefined) accepted += 1;
      expect(encode(pieces) === encode(whole)).equal(true);
    }
    // Otherwise this shows nothing.
    expect(accepted > ROUNDS / 4 && accepted < ROUNDS).equal(true);
  });
});
