import * as clock from "../../lib/clock";

/**
 * The log level for mistakes in the configuration that make requests fail. By default nginx logs errors only,
 * so each worker logs one as an error, and those within the next `SECONDS` as warnings.
 */

const SECONDS = 10;

/** When a mistake was logged as an error last, by the monotonic clock. */
export interface Complaint {
  logged_at: number;
}

/** The time of a mistake that was not logged yet. */
export const NOT_LOGGED = -math.huge;

/** Makes the record of a mistake that was not logged yet. */
export function new_complaint(): Complaint {
  return { logged_at: NOT_LOGGED };
}

/** Returns the level for the next line about a mistake. Any phase. */
export function level_of(complaint: Complaint): number {
  const now = clock.now();
  if (now - complaint.logged_at < SECONDS) return ngx.WARN;
  complaint.logged_at = now;
  return ngx.ERR;
}
