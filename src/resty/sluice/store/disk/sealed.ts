import { rest_now } from "../../lib/rest";
import { crc32, crc32_end, crc32_text, CRC32_START } from "../../lib/crc32";

/**
 * The checksums of the lines on disk. Pure.
 *
 * Each line is a JSON object whose last member is the CRC-32 of everything before that member, in eight
 * lower-case hexadecimal digits: `{"end":7,"crc":"0a1b2c3d"}`.
 */

/** The version of the file format, in each first line. Version 0.1.0 wrote neither it nor checksums. */
export const FORMAT = 2;

const START = ',"crc":"';
const END = '"}';
const DIGITS = 8;
/** The length of the checksum at the end of a line. */
export const SEAL = START.length + DIGITS + END.length;

function digits_of(sum: number): string {
  return string.format("%08x", sum);
}

/** The bytes of a step of a long checksum. */
const STEP = 65536;

/** Returns the state of a checksum after a text. */
function add_text(state: number, text: string): number {
  let sum = state;
  for (const from of $range(0, text.length - 1, STEP)) {
    sum = crc32_text(sum, text, from, math.min(from + STEP, text.length));
    if (text.length > STEP) rest_now();
  }
  return sum;
}

/** Adds the checksum and the end of the line to the JSON text of a non-empty object. */
export function seal(object_text: string): string {
  const body = string.sub(object_text, 1, -2);
  return `${body}${START}${digits_of(crc32_end(add_text(CRC32_START, body)))}${END}\n`;
}

/** As `seal`, for a long text in parts, to which it adds: the object ends after the last one. */
export function seal_parts(parts: string[], pause: (this: void) => void): string {
  let state = CRC32_START;
  for (const part of parts) {
    state = add_text(state, part);
    pause();
  }
  parts.push(`${START}${digits_of(crc32_end(state))}${END}\n`);
  return table.concat(parts);
}

/** Returns whether a line, without its end, has a checksum, right or wrong. */
export function has_seal(line: string): boolean {
  return string.sub(line, -SEAL, -SEAL + START.length - 1) === START && string.sub(line, -END.length) === END;
}

/** Returns whether a line, without its end, has a right checksum. */
export function is_intact(line: string): boolean {
  return has_seal(line) && checksum_of(line) === digits_of(crc32(line, line.length - SEAL));
}

function checksum_of(line: string): string {
  return string.sub(line, -DIGITS - END.length, -END.length - 1);
}

/** The checksum of several lines: the checksum of their checksums. */
export interface Total {
  lines: number;
  state: number;
}

/** Returns the total of no lines. */
export function new_total(): Total {
  return { lines: 0, state: CRC32_START };
}

/** Adds a line without its end. */
export function add_to_total(total: Total, line: string): void {
  total.lines += 1;
  total.state = crc32_text(total.state, checksum_of(line));
}

/** Returns the digits of a total. */
export function total_digits(total: Total): string {
  return digits_of(crc32_end(total.state));
}
