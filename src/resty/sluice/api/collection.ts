import { encode } from "../lib/json";

/** About as much as is made between two looks at the other requests: some milliseconds' work. */
const PIECE_BYTES = 32768;

/**
 * A JSON object with a member a name, in pieces, for there may be thousands and the worker has requests to serve.
 *
 * @param member gives a member's JSON text; undefined: it has gone meanwhile
 */
export function collection_pieces(
  names: readonly string[],
  member: (this: void, name: string) => string | undefined,
): (this: void) => string | undefined {
  let index = 0;
  let separator = "{";
  let is_done = false;
  return () => {
    if (is_done) return undefined;
    const parts: string[] = [];
    let bytes = 0;
    while (index < names.length && bytes < PIECE_BYTES) {
      const text = member(names[index]);
      if (text !== undefined) {
        parts.push(`${separator}${encode(names[index])}:${text}`);
        separator = ",";
        bytes += text.length;
      }
      index += 1;
    }
    if (index >= names.length) {
      is_done = true;
      parts.push(separator === "{" ? "{}" : "}");
    }
    return table.concat(parts);
  };
}
