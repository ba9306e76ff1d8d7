/**
 * Garbage of work that makes much of it and keeps a part, as a worker does when it first serves many
 * upstreams. LuaJIT lets the heap double before it collects, and keeps memory that it once had. Small heaps
 * are left alone.
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

/** Does some steps of a collection if one is due. Call it once for each piece of work. Not hot. */
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
