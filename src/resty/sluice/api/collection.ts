import { encode } from "../lib/json";
import type { NextPiece } from "./answer";

/** Approximate size of a piece. */
const PIECE_BYTES = 32768;

/**
 * Returns a JSON object with a member for each name, in pieces: there may be thousands.
 *
 * @param member returns a member's JSON text; undefined: it no longer exists
 */
export function collection_pieces(
  names: readonly string[],
  member: (this: void, name: string, pause: (this: void) => void) => string | undefined,
): NextPiece {
  let index = 0;
  let separator = "{";
  let is_done = false;
  return (pause) => {
    if (is_done) return undefined;
    const parts: string[] = [];
    let bytes = 0;
    while (index < names.length && bytes < PIECE_BYTES) {
      const text = member(names[index], pause);
      if (text !== undefined) {
        parts.push(`${separator}${encode(names[index])}:${text}`);
        separator = ",";
        bytes += text.length;
      }
      pause();
      index += 1;
    }
    if (index >= names.length) {
      is_done = true;
      parts.push(separator === "{" ? "{}" : "}");
    }
    return table.concat(parts);
  };
}

/** Returns pieces with a text before the first one and a text after the last one. */
export function pieces_between(start: string, next_inner: NextPiece, end: string): NextPiece {
  let before = start;
  let is_done = false;
  return (pause) => {
    if (is_done) return undefined;
    const piece = next_inner(pause);
    is_done = piece === undefined;
    const text = before + (piece ?? end);
    before = "";
    return text;
  };
}
