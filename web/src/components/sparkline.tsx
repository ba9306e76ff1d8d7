import { useMemo } from "preact/hooks";
import { POINTS, slotOf, STEP, type History } from "../model/history";

/** A small chart of a rate, from when the page was opened, over five minutes at most. */

const HEIGHT = 20;
/** The width of a new chart: one minute. */
const FEWEST_POINTS = 30;

/** Returns how many points a chart has by now. */
function pointsByNow(): number {
  const sinceOpened = Math.floor(performance.now() / 1000 / STEP);
  return Math.max(FEWEST_POINTS, Math.min(POINTS, sinceOpened));
}

interface Paths {
  line: string;
  area: string;
}

/** Draws each stretch without gaps. */
function pathsOf(values: readonly number[], width: number): Paths {
  const highest = Math.max(1e-9, ...values.filter((value) => !Number.isNaN(value)));
  const x = (index: number): string => ((index * width) / (values.length - 1)).toFixed(1);
  const y = (value: number): string => (HEIGHT - 1.5 - (value / highest) * (HEIGHT - 3)).toFixed(1);
  let line = "";
  let area = "";
  let start = -1;
  for (let index = 0; index <= values.length; index++) {
    const value = values[index];
    const isKnown = value !== undefined && !Number.isNaN(value);
    if (isKnown) {
      line += `${start < 0 ? "M" : "L"}${x(index)} ${y(value)}`;
      area += `${start < 0 ? `M${x(index)} ${HEIGHT}L` : "L"}${x(index)} ${y(value)}`;
      if (start < 0) start = index;
    } else if (start >= 0) {
      area += `L${x(index - 1)} ${HEIGHT}Z`;
      start = -1;
    }
  }
  return { line, area };
}

interface Props {
  history: History;
  /** The gateway's monotonic clock. */
  now: number;
  isIdle: boolean;
  width?: number;
}

/** It says nothing that the number beside it does not, so it is hidden from screen readers. */
export function Sparkline({ history, now, isIdle, width = 72 }: Props) {
  const slot = slotOf(now);
  const { line, area } = useMemo(
    () => pathsOf(history.until(now, pointsByNow(), isIdle ? 0 : NaN), width),
    [history, slot, isIdle, width],
  );
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT} aria-hidden="true">
      <path class="spark-area" d={area} />
      <path class="spark-line" d={line} />
    </svg>
  );
}
