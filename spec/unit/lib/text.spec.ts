import { first_of, shortened, trim, whole_lines } from "../../../src/resty/sluice/lib/text";
import { expect } from "../support/expect";
import { expect_quick } from "../support/quick";

const BLANKS = string.rep(" ", 1_000_000);

describe("trim", () => {
  const trimmed: [text: string, wanted: string][] = [
    ["", ""],
    ["a", "a"],
    [" \t\r\n a b \v\f", "a b"],
    [" \n ", ""],
    ["\0 a", "\0 a"],
  ];
  for (const [text, wanted] of trimmed) {
    it(`makes ${string.format("%q", text)} ${string.format("%q", wanted)}`, () => {
      expect(trim(text)).equal(wanted);
    });
  }

  it("takes linear time", () => {
    expect_quick(() => {
      expect(trim(BLANKS)).equal("");
      expect(trim(`a${BLANKS}b`).length).equal(BLANKS.length + 2);
      expect(trim(`${BLANKS}b${BLANKS}`)).equal("b");
    });
  });
});

function lines_of(text: string): string[] {
  const lines: string[] = [];
  for (const line of whole_lines(text)) lines.push(line);
  return lines;
}

describe("the whole lines of a text", () => {
  it("are the lines with a line break at the end", () => {
    expect(lines_of("")).same([]);
    expect(lines_of("a")).same([]);
    expect(lines_of("a\nb\n\nc")).same(["a", "b", ""]);
  });

  it("take linear time", () => {
    expect_quick(() => {
      expect(lines_of(`a\n${BLANKS}`)).same(["a"]);
    });
  });
});

describe("names in a message", () => {
  it("are the first ones and the number of the others", () => {
    expect(first_of(["a"])).equal("a");
    expect(first_of(["a", "b", "c", "d", "e"])).equal("a, b, c, d, e");
    expect(first_of(["a", "b", "c", "d", "e", "f", "g"])).equal("a, b, c, d, e and 2 more");
  });
});

describe("a long text", () => {
  it("is cut between two characters", () => {
    expect(shortened("four", 4)).equal("four");
    expect(shortened("fiver", 4)).equal("five...");
    const accent = string.char(0xc3, 0xa9);
    expect(shortened(`abc${accent}x`, 4)).equal("abc...");
    const runs = string.rep(string.char(0x80), 100000);
    expect(shortened(runs, 200).length <= 203).equal(true);
  });
});
