import * as ffi from "ffi";

/** UTF-8 (RFC 3629) in texts from outside. Pure; linear time. */

const WORD_BYTES = 4;
/** The bits that four characters of ASCII do not have. */
const NOT_ASCII = 0x80808080;

/** Returns the position of the first byte that is not ASCII, from a position on; undefined: there is none. */
function find_foreign(text: string, from: number): number | undefined {
  const words = ffi.cast("const int32_t *", text) as ffi.NumberPointer;
  // The last position at which a whole word begins.
  const last_word = text.length - WORD_BYTES + 1;
  let position = from;
  while (position <= text.length) {
    const is_word = position % WORD_BYTES === 1 && position <= last_word;
    if (is_word && (words[(position - 1) / WORD_BYTES] & NOT_ASCII) === 0) position += WORD_BYTES;
    else if (string.byte(text, position) >= 0x80) return position;
    else position += 1;
  }
  return undefined;
}

function is_continuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte <= 0xbf;
}

/** Returns the number of bytes of the character at a position; 0: there is no character. */
function character_length(text: string, position: number): number {
  const [first, second, third, fourth] = string.byte(text, position, position + 3);
  if (first < 0x80) return 1;
  if (!is_continuation(second) || first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return 2;
  // Rejects overlong forms, surrogates, and characters above U+10FFFF.
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0;
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0;
  if (!is_continuation(third)) return 0;
  if (first < 0xf0) return 3;
  return is_continuation(fourth) ? 4 : 0;
}

/** Returns the position of the first byte that is not UTF-8, from a position on; undefined: there is none. */
function find_invalid(text: string, from: number): number | undefined {
  let position = find_foreign(text, from);
  while (position !== undefined) {
    const length = character_length(text, position);
    if (length === 0) return position;
    position = find_foreign(text, position + length);
  }
  return undefined;
}

export function is_utf8(text: string): boolean {
  return find_invalid(text, 1) === undefined;
}

/** Returns JSON text as UTF-8: each invalid byte in its strings is written as `\\xNN`. */
export function escape_invalid_utf8(json: string): string {
  let invalid = find_invalid(json, 1);
  if (invalid === undefined) return json;
  const parts: string[] = [];
  let used = 0;
  while (invalid !== undefined) {
    parts.push(string.sub(json, used + 1, invalid - 1));
    parts.push(string.format("\\\\x%02x", string.byte(json, invalid)));
    used = invalid;
    invalid = find_invalid(json, used + 1);
  }
  parts.push(string.sub(json, used + 1));
  return table.concat(parts);
}
