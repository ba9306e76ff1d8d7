import { useMemo } from "preact/hooks";
import { POINTS, slotOf, STEP, type History } from "../model/history";

/** A small chart of a rate, from when the page was opened, over five minutes at most. */

/** The distance of two points. */
const PIXELS = 1.5;
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

/** Returns fewer numbers, each the largest of some adjacent ones: more than one to a pixel cannot be seen. */
function thinned(values: readonly number[], width: number): number[] {
  const group = Math.ceil(values.length / (width / PIXELS));
  if (group <= 1) return [...values];
  const first = values.length % group;
  const thin: number[] = [];
  for (let index = first; index < values.length; index += group) {
    const known = values.slice(index, index + group).filter((value) => !Number.isNaN(value));
    thin.push(known.length === 0 ? NaN : Math.max(...known));
  }
  return thin;
}

/** Draws each stretch without gaps. */
function pathsOf(values: readonly number[], width: number, height: number): Paths {
  const highest = values.reduce((most, value) => (value > most ? value : most), 1e-9);
  const x = (index: number): number => Math.round((index * width * 10) / (values.length - 1)) / 10;
  const y = (value: number): number =>
    Math.round((height - 1.5 - (value / highest) * (height - 3)) * 10) / 10;
  let line = "";
  let area = "";
  let start = -1;
  for (let index = 0; index <= values.length; index++) {
    const value = values[index];
    if (value !== undefined && !Number.isNaN(value)) {
      const point = `${x(index)} ${y(value)}`;
      line += start < 0 ? `M${point}` : `L${point}`;
      area += start < 0 ? `M${x(index)} ${height}L${point}` : `L${point}`;
      if (start < 0) start = index;
    } else if (start >= 0) {
      area += `V${height}Z`;
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
  height?: number;
}

/** It says nothing that the number beside it does not, so it is hidden from screen readers. */
export function Sparkline({ history, now, isIdle, width = 72, height = 20 }: Props) {
  const slot = slotOf(now);
  const { line, area } = useMemo(
    () => pathsOf(thinned(history.until(now, pointsByNow(), isIdle ? 0 : NaN), width), width, height),
    [history, slot, isIdle, width, height],
  );
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      <path class="spark-area" d={area} />
      <path class="spark-line" d={line} />
    </svg>
  );
}
