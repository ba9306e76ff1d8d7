import type { Result } from "../lib/result";
const LOWEST = 100;
const HIGHEST = 599;
const LONGEST = 256;

/** Reads a code, or two codes with a hyphen between them. Returns undefined if it is neither. */
function parse_range(text: string): [number, number] | undefined {
  const [single] = string.match(text, "^%d%d%d$");
  const [first, last] = string.match(text, "^(%d%d%d)%-(%d%d%d)$");
  const from = tonumber(first ?? single);
  const to = tonumber(last ?? single);
  if (from === undefined || to === undefined || to < from || from < LOWEST || to > HIGHEST) return undefined;
  return [from, to];
}

/** Reads the first and last codes of ranges such as `"200 204, 300-399"`. Any phase. */
export function parse_status_ranges(text: string): Result<[number, number][]> {
  if (text.length > LONGEST) return $multi(undefined, `must not be longer than ${LONGEST} bytes`);
  const ranges: [number, number][] = [];
  for (const [part] of string.gmatch(text, "[^ ,]+")) {
    const range = parse_range(part);
    if (range === undefined) {
      const [shown] = string.gsub(string.sub(part, 1, 16), "%c", "?");
      return $multi(
        undefined,
        `"${shown}" is not a status code from ${LOWEST} to ${HIGHEST} or a range such as 200-399`,
      );
    }
    ranges.push(range);
  }
  if (ranges.length === 0) return $multi(undefined, "must not be empty");
  return $multi(ranges, undefined);
}
