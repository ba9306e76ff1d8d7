import { encode, shape, shaped } from "../../lib/json";
import type { Result } from "../../lib/result";
import { whole_lines } from "../../lib/text";
import { is_intact, seal } from "./sealed";

/** The first and the last line of a health file, and the check of the lines between. Pure. */

const END = shape(["end", "lines"]);

/** Formats the last line, without which the file does not count. `lines`: the number of lines before it. */
export function format_health_end(number: number, lines: number): string {
  return seal(encode(shaped({ end: number, lines }, END)));
}

/** Returns the number of the first damaged line. */
function damaged_line(text: string): number | undefined {
  let number = 0;
  for (const line of whole_lines(text)) {
    number += 1;
    if (!is_intact(line)) return number;
  }
  return undefined;
}

/** Reads the number of a complete file; a later file has a higher one. Version 0.1.0 wrote no checksums. */
export function read_health_number(text: string): Result<number> {
  const [start, rest] = string.match(text, '^{"health":(%d+)([,}])');
  const [end, more] = string.match(text, '\n{"end":(%d+)([,}][^\n]*)\n$', math.max(1, text.length - 96));
  if (start === undefined || start !== end) return $multi(undefined, "the file was not finished");
  if (rest === "}" && more === "}") return $multi(tonumber(start), undefined);
  const damaged = damaged_line(text);
  if (damaged !== undefined) return $multi(undefined, `line ${damaged}: the line is damaged`);
  const [lines] = string.match(more, '^,"lines":(%d+),');
  const [, found] = string.gsub(text, "\n", "");
  if (tonumber(lines) !== found - 1) return $multi(undefined, `line ${found}: lines are missing`);
  return $multi(tonumber(start), undefined);
}
