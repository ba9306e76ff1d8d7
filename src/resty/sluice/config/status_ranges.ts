const LOWEST = 100;
const HIGHEST = 599;
const LONGEST = 256;

/** A code, or two with a hyphen between; undefined when it is neither. */
function parse_range(text: string): [number, number] | undefined {
  const [single] = string.match(text, "^%d%d%d$");
  const [first, last] = string.match(text, "^(%d%d%d)%-(%d%d%d)$");
  const from = tonumber(first ?? single);
  const to = tonumber(last ?? single);
  if (from === undefined || to === undefined || to < from || from < LOWEST || to > HIGHEST) return undefined;
  return [from, to];
}

/**
 * Reads status codes and ranges of them, apart by spaces or commas: `"200 204 300-399"`. Any phase.
 *
 * @returns the first and the last code of each, or undefined and the reason
 */
export function parse_status_ranges(
  text: string,
): LuaMultiReturn<[[number, number][] | undefined, string | undefined]> {
  if (text.length > LONGEST) return $multi(undefined, `longer than ${LONGEST} bytes`);
  const ranges: [number, number][] = [];
  for (const [part] of string.gmatch(text, "[^ ,]+")) {
    const range = parse_range(part);
    if (range === undefined) {
      const [shown] = string.gsub(string.sub(part, 1, 16), "%c", "?");
      return $multi(
        undefined,
        `"${shown}" is no status code from ${LOWEST} to ${HIGHEST}, nor a range such as 200-399`,
      );
    }
    ranges.push(range);
  }
  if (ranges.length === 0) return $multi(undefined, "empty");
  return $multi(ranges, undefined);
}
