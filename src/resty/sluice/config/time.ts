const MILLISECONDS: Record<string, number> = {
  y: 365 * 86400000,
  M: 30 * 86400000,
  w: 7 * 86400000,
  d: 86400000,
  h: 3600000,
  m: 60000,
  s: 1000,
  "": 1000,
  ms: 1,
};
const LONGEST = 2147483647000;
const MILLISECONDS_A_SECOND = 1000;

/**
 * Reads an nginx time, such as `"1h 30m"`: numbers with units, largest first; without a unit, seconds.
 * Returns milliseconds; undefined: it is not such a time. Any phase.
 */
export function parse_time(text: string): number | undefined {
  let total = 0;
  let smallest = math.huge;
  let position = 1;
  if (text === "") return undefined;
  while (position <= text.length) {
    const [digits, unit, next] = string.match(text, "^(%d+)(%a*) *()", position);
    if (digits === undefined || digits.length > 12) return undefined;
    const scale = MILLISECONDS[unit];
    if (scale === undefined || scale >= smallest) return undefined;
    smallest = scale;
    total += (tonumber(digits) as number) * scale;
    position = tonumber(next) as number;
  }
  return total <= LONGEST ? total : undefined;
}

/** Returns the seconds of a valid nginx time; 0 for undefined. Any phase. */
export function seconds_of(time: string | undefined): number {
  return time === undefined ? 0 : (parse_time(time) ?? 0) / MILLISECONDS_A_SECOND;
}
