/**
 * When LuaJIT collects the garbage of work that makes much of it. By itself it lets the heap double before it
 * collects, and keeps memory that it once had.
 */

/** In kilobytes, as all sizes here. */
const SMALL = 32 * 1024;
/** A collection begins when the heap has grown by this factor since the last one. */
const GROWTH = 1.3;
/** The part of the heap for which each call does a step. A step marks about 2 KB. */
const HEAP_A_STEP = 400;
/**
 * Limits a call: 200 steps take some tenths of a millisecond, and up to 5 ms where they free objects. LuaJIT
 * goes on with the collection as the heap grows.
 */
const MOST_STEPS = 200;

let is_collecting = false;
/** The size of the heap after the last collection. */
let kept = 0;

/**
 * Does some steps of a collection if one is due, for work that keeps a part of what it makes, as when a
 * worker first serves many upstreams. Small heaps are left alone. Call it once for each piece of work. Not
 * hot.
 */
export function collect_some(): void {
  const size = collectgarbage("count");
  if (!is_collecting && size < math.max(SMALL, kept * GROWTH)) return;
  is_collecting = true;
  for (const _ of $range(1, math.min(MOST_STEPS, math.ceil(size / HEAP_A_STEP)))) {
    if (collectgarbage("step", 0)) {
      is_collecting = false;
      kept = collectgarbage("count");
      return;
    }
  }
}

/**
 * Returns the result of `action`, which makes much that is needed until its end: to look for garbage in it
 * again and again takes long and finds little. Afterwards all garbage is collected. Raises what it raises.
 */
export function with_late_collection<T>(action: (this: void) => T): T {
  collectgarbage("stop");
  const [returned, outcome] = pcall(action);
  collectgarbage("restart");
  collectgarbage();
  if (!returned) error(outcome, 0);
  return outcome;
}
