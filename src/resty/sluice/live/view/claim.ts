import { exclusively } from "../../store/memory/dict";
import { shared_memory } from "../../store/memory/region";

/** After the interval and this time, in seconds, a comparison counts as the first one. */
const LONGEST_DELAY = 10;

/**
 * Tells whether a comparison is due, which this worker then claims, and whether it is the first one. Only one
 * worker claims each of them. Phase: timer.
 *
 * @param cell holds when the last comparison was
 * @param interval in seconds
 */
export function claim(
  cell: number,
  interval: number,
  now: number,
): LuaMultiReturn<[is_mine: boolean, is_first: boolean]> {
  const memory = shared_memory();
  if (now - memory[cell] < interval) return $multi(false, false);
  let passed = 0;
  exclusively(() => {
    passed = now - memory[cell];
    if (passed >= interval) memory[cell] = now;
  });
  return $multi(passed >= interval, passed > interval + LONGEST_DELAY);
}
