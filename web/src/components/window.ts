import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Renders only the rows of a long table that are in the window. */

/** Rows that are rendered above and below the window, in pixels. */
const MARGIN = 240;

/** Returns the index of the last offset that is not above a position. */
function indexAt(offsets: readonly number[], position: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Adds up heights: the offset of each row, and the height of all. */
export function offsetsOf(heights: readonly number[]): number[] {
  const offsets = new Array<number>(heights.length + 1);
  let sum = 0;
  for (const [index, height] of heights.entries()) {
    offsets[index] = sum;
    sum += height;
  }
  offsets[heights.length] = sum;
  return offsets;
}

/**
 * Follows the scroll position of the page.
 *
 * @param offsets see `offsetsOf`
 * @returns the element that contains the rows, the first row to render, the row after the last, and a
 *   function that scrolls a row into the window
 */
export function useWindow(offsets: readonly number[]) {
  const body = useRef<HTMLDivElement>(null);
  /** Where the rows begin on the page. Measured only when they change, because that costs a layout. */
  const start = useRef(0);
  const [range, setRange] = useState<[number, number]>([0, 0]);
  const current = useRef(offsets);
  current.current = offsets;

  const update = useCallback(() => {
    const all = current.current;
    const top = scrollY - start.current;
    const first = indexAt(all, top - MARGIN);
    const last = Math.min(all.length - 1, indexAt(all, top + innerHeight + MARGIN) + 1);
    setRange((before) => (before[0] === first && before[1] === last ? before : [first, last]));
  }, []);

  useLayoutEffect(() => {
    if (body.current !== null) start.current = body.current.getBoundingClientRect().top + scrollY;
    update();
  }, [offsets, update]);
  useLayoutEffect(() => {
    let frame = 0;
    const schedule = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(update);
    };
    addEventListener("scroll", schedule, { passive: true });
    addEventListener("resize", schedule);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", schedule);
      removeEventListener("resize", schedule);
    };
  }, [update]);

  const scrollTo = useCallback((index: number, covered: number) => {
    const top = start.current - scrollY;
    const from = top + (current.current[index] ?? 0);
    const to = top + (current.current[index + 1] ?? 0);
    if (from < covered) scrollBy(0, from - covered - 8);
    else if (to > innerHeight) scrollBy(0, to - innerHeight + 8);
  }, []);

  return { body, first: range[0], last: range[1], scrollTo };
}
