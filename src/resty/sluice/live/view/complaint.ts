import * as clock from "../../lib/clock";

/**
 * The level of the log at which a mistake in the configuration is reported that loses requests. nginx logs
 * errors only, unless `error_log` says otherwise, so the first such request of each worker is logged as an
 * error. The requests that follow within `SECONDS` are logged as warnings, so that a flood of requests is no
 * flood of errors.
 */

const SECONDS = 10;

/** When a mistake was last logged as an error, by the monotonic clock. */
export interface Complaint {
  logged_at: number;
}

/** Makes the record of a mistake that has not been logged yet. */
export function new_complaint(): Complaint {
  return { logged_at: -math.huge };
}

/** Returns the level for the next line about a mistake. Any phase. */
export function level_of(complaint: Complaint): number {
  const now = clock.now();
  if (now - complaint.logged_at < SECONDS) return ngx.WARN;
  complaint.logged_at = now;
  return ngx.ERR;
}
