import { BUCKETS, quantile } from "../../store/memory/times";

/** Histograms of times as JSON. Only the buckets from the first to the last that is not empty are shown. */

/** Returns the index of the first bucket that is not empty, and of the last one; `count` is above 0. */
function bounds_of(counts: readonly number[]): LuaMultiReturn<[number, number]> {
  let first = 0;
  while (first < BUCKETS - 1 && counts[first] === 0) first += 1;
  let last = BUCKETS - 1;
  while (last > first && counts[last] === 0) last -= 1;
  return $multi(first, last);
}

/** Returns a histogram as JSON text: `{"first":7,"counts":[1,0,3]}`. Any phase. */
export function times_text(counts: number[]): string {
  const [first, last] = bounds_of(counts);
  return string.format('{"first":%d,"counts":[%s]}', first, table.concat(counts, ",", first + 1, last + 1));
}

const TIMES = '{"count":%d,"p50":%.1f,"p90":%.1f,"p99":%.1f,"first":%d,"counts":[%s]}';

/**
 * Returns the member `name` with the percentiles in milliseconds and the histogram, as JSON text that begins
 * with a comma; "": there is no response. Any phase.
 */
export function times_member(name: string, count: number, counts: number[]): string {
  if (count <= 0) return "";
  const [first, last] = bounds_of(counts);
  const text = string.format(
    TIMES,
    count,
    quantile(counts, count, 0.5),
    quantile(counts, count, 0.9),
    quantile(counts, count, 0.99),
    first,
    table.concat(counts, ",", first + 1, last + 1),
  );
  return `,"${name}":${text}`;
}
