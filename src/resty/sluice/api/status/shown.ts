import type { Moment } from "../../lib/clock";

/**
 * Decides which summaries an answer with `since` may omit: those that are equal in this answer and in the
 * client's last one, which another worker may have given.
 *
 * A worker knows since when the summary has been the same to its own eyes. In between, another worker may
 * have shown a summary that has passed since, such as one with a request under way. Each worker therefore
 * notes in shared memory when it shows such a summary. Counters only rise, so all other changes last.
 */

/** The summary of an upstream that this worker has shown last. */
export interface Shown {
  text: string;
  /** Rises with each change of a server's state, and with each reset of the statistics. */
  health_revision: number;
  /** The time by which this worker had seen it first. */
  since: Moment;
}

const NEVER = -1;
/** Two workers that note a time at the same moment may leave the earlier one, in seconds. */
const SLACK = 1;

/** Makes the record of an upstream of which nothing was shown. */
export function new_shown(): Shown {
  return { text: "", health_revision: NEVER, since: 0 };
}

/** Notes a summary. `now`: a time after the values in it were read. */
export function note_shown(shown: Shown, text: string, health_revision: number, now: Moment): void {
  if (shown.text === text && shown.health_revision === health_revision) return;
  shown.text = text;
  shown.health_revision = health_revision;
  shown.since = now;
}

/**
 * Tells whether a client that has an answer of the time `base` may lack the summary.
 *
 * @param restless_at when a worker last showed a summary that may pass
 */
export function may_lack(shown: Shown, restless_at: Moment, base: Moment): boolean {
  return shown.since > base || restless_at + SLACK >= base;
}
