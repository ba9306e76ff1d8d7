import { list, record } from "../../lib/json";
import { BUCKETS, quantile, type Times } from "../../store/memory/times";

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

const times_record = record("count p50 p90 p99 first counts");

/** Rounds a time in milliseconds: a quantile is no more exact than that. */
function rounded(time: number): number {
  return math.floor(time * 10 + 0.5) / 10;
}

/** Returns the percentiles in milliseconds, and the histogram; undefined: there is no response. Any phase. */
export function times_object({ count }: Times, counts: readonly number[]): object | undefined {
  if (count <= 0) return undefined;
  const [first, last] = bounds_of(counts);
  return times_record({
    count,
    p50: rounded(quantile(counts, count, 0.5)),
    p90: rounded(quantile(counts, count, 0.9)),
    p99: rounded(quantile(counts, count, 0.99)),
    first,
    counts: list(counts.slice(first, last + 1)),
  });
}
