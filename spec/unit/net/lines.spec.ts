import type { Framing } from "../../../src/resty/sluice/net/head";
import { ENDED, new_lines, read_line } from "../../../src/resty/sluice/net/lines";
import { CLOSED } from "../../../src/resty/sluice/net/reader";
import { expect } from "../support/expect";
import { reader_of } from "../support/pieces";
import { expect_quick } from "../support/quick";

const LONGEST = 20;

const CHUNKED: Framing = { is_chunked: true, length: math.huge };
const UNTIL_CLOSED: Framing = { is_chunked: false, length: math.huge };

/** Returns all lines of a body, and the reason for its end. */
function read_all(text: string, framing: Framing, piece_size: number): LuaMultiReturn<[string[], string]> {
  const lines = new_lines(reader_of(text, piece_size), LONGEST, framing);
  const all: string[] = [];
  for (const _ of $range(1, 1000)) {
    const [line, cause] = read_line(lines);
    if (line === undefined) return $multi(all, cause ?? "");
    all.push(line);
  }
  return $multi(all, "it does not end");
}

/** Expects lines in pieces of all sizes, which must not change the result. */
function expect_lines(text: string, framing: Framing, wanted: string[], end: string): void {
  for (const piece_size of $range(1, text.length + 1)) {
    const [all, cause] = read_all(text, framing, piece_size);
    expect(all).same(wanted);
    expect(cause).equal(end);
  }
}

describe("the lines of a body", () => {
  it("are the texts between line feeds, without empty ones", () => {
    expect_lines("one\n\ntwo\nthree\n", UNTIL_CLOSED, ["one", "two", "three"], CLOSED);
  });

  it("are complete: a text without a line feed is not a line", () => {
    expect_lines("one\ntwo", UNTIL_CLOSED, ["one"], CLOSED);
    expect_lines("", UNTIL_CLOSED, [], CLOSED);
  });

  it("end with the length of the body while the connection stays open", () => {
    const text = "one\ntwo\nthree\n";
    expect_lines(text, { is_chunked: false, length: 8 }, ["one", "two"], ENDED);
    expect_lines(text, { is_chunked: false, length: 6 }, ["one"], ENDED);
    expect_lines(text, { is_chunked: false, length: 0 }, [], ENDED);
    expect_lines(text, { is_chunked: false, length: 99 }, ["one", "two", "three"], CLOSED);
  });

  it("may span chunks, and a chunk may contain several lines", () => {
    expect_lines(
      "4\r\none\n\r\n8\r\ntwo\nthre\r\n2\r\ne\n\r\n0\r\n\r\n",
      CHUNKED,
      ["one", "two", "three"],
      ENDED,
    );
    expect_lines("4;x=1\r\none\n\r\n00b\r\ntwo\nthree\n\n\r\n0\r\n", CHUNKED, ["one", "two", "three"], ENDED);
  });

  it("end with the connection, even before the last chunk", () => {
    expect_lines("4\r\none\n\r\n8\r\ntwo\nth", CHUNKED, ["one", "two"], CLOSED);
    expect_lines("4\r\none\n\r\n", CHUNKED, ["one"], CLOSED);
  });

  it("end at a malformed chunk", () => {
    for (const chunk of ["x", "-1", "1234567890123"]) {
      expect_lines(`4\r\none\n\r\n${chunk}\r\ntwo\n`, CHUNKED, ["one"], "its body has a malformed chunk");
    }
    const endless = `4\r\none\n\r\n${string.rep("0", 200)}`;
    expect_lines(endless, CHUNKED, ["one"], "a line is longer than 64 bytes");
  });

  it("have a bounded size", () => {
    const long = string.rep("x", LONGEST);
    expect_lines(`${long}\n${long}\n`, UNTIL_CLOSED, [long, long], CLOSED);
    expect_lines(`one\n${long}xx`, UNTIL_CLOSED, ["one"], `a line is longer than ${LONGEST} bytes`);
    expect_lines(`one\n${long}x\ntwo\n`, UNTIL_CLOSED, ["one"], `a line is longer than ${LONGEST} bytes`);
    const extension = string.rep("x", 80);
    expect_lines(`4\r\none\n\r\n4;${extension}\r\ntwo\n`, CHUNKED, ["one"], "a line is longer than 64 bytes");
    expect_lines(`4\r\none\n\r\n16\r\n${long}xx`, CHUNKED, ["one"], `a line is longer than ${LONGEST} bytes`);
  });

  it("take linear time to read, whatever the sizes of the pieces", () => {
    const read = (text: string, framing: Framing) =>
      read_line(new_lines(reader_of(text, 65_536), 1_000_000, framing))[0];
    expect_quick(() => {
      expect(read(`${string.rep("\n", 1_000_000)}one\n`, UNTIL_CLOSED)).equal("one");
      expect(read(`${string.rep("1\r\nx\r\n", 200_000)}1\r\n\n\r\n`, CHUNKED)).equal(
        string.rep("x", 200_000),
      );
    });
  });
});
