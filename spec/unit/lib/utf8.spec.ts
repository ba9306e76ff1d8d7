import { escape_invalid_utf8, is_utf8 } from "../../../src/resty/sluice/lib/utf8";
import { expect } from "../support/expect";
import { expect_quick } from "../support/quick";

function bytes(...values: number[]): string {
  return string.char(...values);
}

const VALID = [
  "",
  "plain \r\n\t ~",
  bytes(0, 127),
  "é",
  "€",
  "😀",
  bytes(0xc2, 0x80),
  bytes(0xe0, 0xa0, 0x80),
  bytes(0xed, 0x9f, 0xbf),
  bytes(0xee, 0x80, 0x80),
  bytes(0xf0, 0x90, 0x80, 0x80),
  bytes(0xf4, 0x8f, 0xbf, 0xbf),
];

const INVALID: [string, string][] = [
  [bytes(0xff), "\\\\xff"],
  [bytes(0x80), "\\\\x80"],
  [bytes(0xc3), "\\\\xc3"],
  [bytes(0xc0, 0xaf), "\\\\xc0\\\\xaf"],
  [bytes(0xc1, 0xbf), "\\\\xc1\\\\xbf"],
  [bytes(0xe0, 0x9f, 0xbf), "\\\\xe0\\\\x9f\\\\xbf"],
  [bytes(0xed, 0xa0, 0x80), "\\\\xed\\\\xa0\\\\x80"],
  [bytes(0xf0, 0x8f, 0xbf, 0xbf), "\\\\xf0\\\\x8f\\\\xbf\\\\xbf"],
  [bytes(0xf4, 0x90, 0x80, 0x80), "\\\\xf4\\\\x90\\\\x80\\\\x80"],
  [bytes(0xf5, 0x80, 0x80, 0x80), "\\\\xf5\\\\x80\\\\x80\\\\x80"],
  [bytes(0xe2, 0x82), "\\\\xe2\\\\x82"],
  [bytes(0xf0, 0x9f, 0x98), "\\\\xf0\\\\x9f\\\\x98"],
  [`a${bytes(0xe4)}b`, "a\\\\xe4b"],
];

describe("UTF-8", () => {
  it("is recognized", () => {
    for (const text of VALID) expect(is_utf8(text)).equal(true);
    for (const [text] of INVALID) expect(is_utf8(text)).equal(false);
  });

  it("is not escaped", () => {
    for (const text of VALID) expect(escape_invalid_utf8(text)).equal(text);
  });
});

describe("bytes that are not UTF-8", () => {
  it("are escaped one by one, and the surrounding text stays", () => {
    for (const [text, escaped] of INVALID) {
      expect(escape_invalid_utf8(text)).equal(escaped);
      expect(escape_invalid_utf8(`é${text}€`)).equal(`é${escaped}€`);
    }
  });

  it("take linear time", () => {
    expect_quick(() => {
      const escaped = escape_invalid_utf8(string.rep(bytes(0xff), 200_000));
      expect(escaped.length).equal(1_000_000);
      expect(is_utf8(string.rep("é", 500_000))).equal(true);
    });
  });
});
