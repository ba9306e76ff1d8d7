import * as ffi from "ffi";

/** CRC-32 as in zlib and nginx (polynomial 0xEDB88320, reflected), by one or four bytes at a time. Pure. */

const POLYNOMIAL = 0xedb88320;
const TWO_32 = 4294967296;
const WORD_BYTES = 4;

const TABLE = new LuaTable<number, number>();
for (const byte of $range(0, 255)) {
  let value = byte;
  for (const _ of $range(1, 8)) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  TABLE.set(byte, value);
}

/** The effect of a byte on state 0 when a number of zero bytes follow it. */
function followed_by(zeros: number): ffi.NumberPointer {
  const effects = ffi.new("int32_t[256]") as ffi.NumberPointer;
  for (const byte of $range(0, 255)) {
    let state = TABLE.get(byte);
    for (const _ of $range(1, zeros)) state = TABLE.get(state & 255) ^ (state >>> 8);
    effects[byte] = state | 0;
  }
  return effects;
}

const BY_0 = followed_by(0);
const BY_1 = followed_by(1);
const BY_2 = followed_by(2);
const BY_3 = followed_by(3);

/** The state before the first byte. */
export const CRC32_START = -1;

/** Returns the state after one more byte. */
export function crc32_byte(state: number, byte: number): number {
  return TABLE.get((state ^ byte) & 255) ^ (state >>> 8);
}

/** Returns the state after four more bytes, those of a number, lowest first. Faster than single bytes. */
export function crc32_word(state: number, word: number): number {
  const bits = state ^ word;
  return BY_3[bits & 255] ^ BY_2[(bits >>> 8) & 255] ^ BY_1[(bits >>> 16) & 255] ^ BY_0[bits >>> 24];
}

/** Returns the state after the bytes of a text from the offset `from`, a multiple of 4, up to `to`. */
export function crc32_text(state: number, text: string, from = 0, to = text.length): number {
  const words = ffi.cast("const int32_t *", text) as ffi.NumberPointer;
  const last = math.floor(to / WORD_BYTES);
  let sum = state;
  for (const word of $range(from / WORD_BYTES, last - 1)) sum = crc32_word(sum, words[word]);
  for (const position of $range(last * WORD_BYTES + 1, to))
    sum = crc32_byte(sum, string.byte(text, position));
  return sum;
}

/** Returns the checksum of a state: 0 to 2^32 - 1. */
export function crc32_end(state: number): number {
  return ~state % TWO_32;
}

/** Returns the checksum of the first `bytes` bytes of a text, by default of all. */
export function crc32(text: string, bytes = text.length): number {
  return crc32_end(crc32_text(CRC32_START, text, 0, bytes));
}
