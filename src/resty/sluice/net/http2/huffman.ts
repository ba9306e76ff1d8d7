import type { Result } from "../../lib/result";

/** The Huffman code of HPACK (RFC 7541, section 5.2 and appendix B). Pure; linear time. */

/**
 * The lengths of the codes, in bits, of the bytes 0 to 255 and of the end of a text. They tell all codes:
 * those of one length are consecutive numbers, in the order of the bytes, and follow the shorter ones.
 */
const LENGTHS = `
  13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28
  28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
  6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6
  5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
  13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7
  7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
  15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5
  6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
  20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23
  24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
  22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23
  21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
  26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25
  19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
  20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23
  26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
  30
`;
const END = 256;
const LONGEST = 30;
/** Padding is shorter than a byte. */
const MOST_PADDING = 7;

/** By the length of codes: the first code, the number of codes, and the place of the first in `SYMBOLS`. */
const FIRST: number[] = [];
const COUNT: number[] = [];
const START: number[] = [];
/** The bytes, and the end, in the order of their codes. */
const SYMBOLS: number[] = [];

function assign_codes(): void {
  const lengths: number[] = [];
  for (const [digits] of string.gmatch(LENGTHS, "%d+")) lengths.push(tonumber(digits) as number);
  let code = 0;
  for (const length of $range(0, LONGEST)) {
    FIRST.push(code);
    START.push(SYMBOLS.length);
    for (const symbol of $range(0, END)) {
      if (lengths[symbol] === length) SYMBOLS.push(symbol);
    }
    COUNT.push(SYMBOLS.length - START[length]);
    code = (code + COUNT[length]) * 2;
  }
}
assign_codes();

/** Decodes a text. */
export function decode_huffman(text: string): Result<string> {
  const parts: string[] = [];
  let code = 0;
  let length = 0;
  for (const index of $range(1, text.length)) {
    let rest = string.byte(text, index);
    for (const _ of $range(1, 8)) {
      // The highest bit comes first.
      const bit = rest >= 128 ? 1 : 0;
      rest = (rest - bit * 128) * 2;
      code = code * 2 + bit;
      length += 1;
      const offset = code - FIRST[length];
      if (offset < COUNT[length]) {
        const symbol = SYMBOLS[START[length] + offset];
        if (symbol === END) return $multi(undefined, "a Huffman code is malformed");
        parts.push(string.char(symbol));
        code = 0;
        length = 0;
      }
    }
  }
  // The padding is the beginning of the code of the end, which has only ones.
  if (length > MOST_PADDING || code !== 2 ** length - 1)
    return $multi(undefined, "a Huffman code is malformed");
  return $multi(table.concat(parts), undefined);
}
