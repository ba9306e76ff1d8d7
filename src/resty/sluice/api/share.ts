import { picks_of_minute } from "../control/picks";
import type { Moment } from "../lib/clock";
import type { Document } from "../store/document/document";
import type { ServerRecord } from "../store/document/line";

/** The share of a server in the requests of its upstream. */

/** Returns how often a server was chosen in the last minute. Any phase. */
export function recent_picks({ row, incarnation }: ServerRecord, upstream: Document, now: Moment): number {
  return math.floor(picks_of_minute(row, incarnation, upstream.row, now) + 0.5);
}

/** Returns a part in percent, with one decimal; 0 if the whole is 0. */
export function percent_of(part: number, whole: number): number {
  return whole === 0 ? 0 : math.floor((part * 1000) / whole + 0.5) / 10;
}
