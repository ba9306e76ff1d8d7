import { read_node } from "../../../src/resty/sluice/config/node";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const many = (count: number) => {
  const meta: Record<string, string> = {};
  for (const number of $range(1, count)) meta[`m${number}`] = "x";
  return meta;
};

describe("a node", () => {
  const accepted: [Record<string, unknown>, object][] = [
    [{ ttl: "10s" }, { ttl: "10s", incarnation: "" }],
    [{ ttl: "1s" }, { ttl: "1s", incarnation: "" }],
    [{ ttl: "1d" }, { ttl: "1d", incarnation: "" }],
    [
      { ttl: "1000ms", incarnation: "a b" },
      { ttl: "1000ms", incarnation: "a b" },
    ],
    [
      { ttl: "10s", incarnation: 1700000000000 },
      { ttl: "10s", incarnation: "1700000000000" },
    ],
    [
      { ttl: "10s", meta: {} },
      { ttl: "10s", incarnation: "" },
    ],
    [
      { ttl: "10s", meta: { zone: "b", v: "2" } },
      { ttl: "10s", incarnation: "", meta: { zone: "b", v: "2" } },
    ],
    [
      { ttl: "10s", meta: many(32) },
      { ttl: "10s", incarnation: "", meta: many(32) },
    ],
  ];
  for (const [input, node] of accepted) {
    it(`may be ${string.sub(encode(input), 1, 80)}`, () => {
      expect(read_node("n1", { ...input })[0]).same({ name: "n1", ...node });
    });
  }

  it("removes its own members from the input, and leaves the others", () => {
    const input = { ttl: "10s", incarnation: "1", meta: { a: "b" }, server: "10.0.0.1", weight: 2 };
    read_node("n1", input);
    expect(input).same({ server: "10.0.0.1", weight: 2 });
  });

  const refused: [Record<string, unknown>, string][] = [
    [{}, 'invalid "ttl": must be given'],
    [{ ttl: "999ms" }, 'invalid "ttl": must be a time from 1s to 1d'],
    [{ ttl: "25h" }, 'invalid "ttl": must be a time from 1s to 1d'],
    [{ ttl: 5 }, 'invalid "ttl": must be a time from 1s to 1d, with a unit, such as "5s"'],
    [{ ttl: -1 }, 'invalid "ttl": must be a time from 1s to 1d, with a unit, such as "5s"'],
    [{ ttl: json_null }, 'invalid "ttl": must be a time from 1s to 1d'],
    [{ ttl: "10s", incarnation: "" }, 'invalid "incarnation": must be a non-empty string'],
    [{ ttl: "10s", incarnation: true }, 'invalid "incarnation": must be a non-empty string'],
    [
      { ttl: "10s", incarnation: string.rep("x", 65) },
      'invalid "incarnation": must not be longer than 64 bytes',
    ],
    [{ ttl: "10s", incarnation: "a\nb" }, 'invalid "incarnation": must not contain control characters'],
    [{ ttl: "10s", meta: "x" }, 'invalid "meta": must be an object'],
    [{ ttl: "10s", meta: ["x"] }, 'invalid "meta": must be a non-empty string'],
    [{ ttl: "10s", meta: { a: 1 } }, 'invalid "meta.a": must be a non-empty string'],
    [{ ttl: "10s", meta: { a: "" } }, 'invalid "meta.a": must be a non-empty string'],
    [{ ttl: "10s", meta: { a: {} } }, 'invalid "meta.a": must be a non-empty string'],
    [
      { ttl: "10s", meta: { a: string.rep("x", 257) } },
      'invalid "meta.a": must not be longer than 256 bytes',
    ],
    [{ ttl: "10s", meta: { "": "x" } }, 'invalid "meta": must be a non-empty string'],
    [
      { ttl: "10s", meta: { [string.rep("x", 65)]: "x" } },
      'invalid "meta": must not be longer than 64 bytes',
    ],
    [{ ttl: "10s", meta: many(33) }, 'invalid "meta": must not have more than 32 members'],
  ];
  for (const [input, text] of refused) {
    it(`is not ${string.sub(encode(input), 1, 80)}`, () => {
      const [node, problem] = read_node("n1", { ...input });
      expect(node).equal(undefined);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).equal(text);
    });
  }

  it("has a name of 1 to 128 bytes without control characters", () => {
    expect(read_node(string.rep("x", 128), { ttl: "10s" })[1]).equal(undefined);
    const names = { "": "must be a non-empty string", "a\nb": "must not contain control characters" };
    for (const [name, reason] of pairs(names)) {
      expect(read_node(name, { ttl: "10s" })[1]?.text).equal(`invalid "node": ${reason}`);
    }
    expect(read_node(string.rep("x", 129), { ttl: "10s" })[1]?.text).contains(
      "must not be longer than 128 bytes",
    );
  });
});
