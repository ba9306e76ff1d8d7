import { milliseconds, number, percent } from "../model/words";

/** Numbers that may not be known yet. */

/** What stands for a number that is not known. */
export const UNKNOWN = "–";

export function rateText(rate: number | undefined): string {
  return rate === undefined ? UNKNOWN : number(rate);
}

export function percentText(part: number | undefined): string {
  return part === undefined ? UNKNOWN : percent(part);
}

export function timeText(time: number | undefined): string {
  return time === undefined ? UNKNOWN : milliseconds(time);
}

/** The part of failed requests that is shown as a problem. */
const NOTABLE = 0.01;

/** The part of the requests that failed, emphasized if it is large. */
export function Errors({ part }: { part: number | undefined }) {
  const isNotable = part !== undefined && part >= NOTABLE;
  return <span class={isNotable ? "bad" : part === 0 ? "quiet" : ""}>{percentText(part)}</span>;
}
