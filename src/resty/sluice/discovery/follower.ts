import * as clock from "../lib/clock";
import { pause } from "../lib/pause";
import { internal_error, is_complete, start_background, start_thread, type Run } from "../lib/run";
import { note_failure } from "../net/backoff";
import { is_over } from "../store/memory/generation";
import { is_writing } from "../store/memory/lock";
import { feeds, follow_changes, follow_template } from "./feeds";
import { describe_feed, is_closed } from "./session";
import { SESSION_SECONDS, type Feed } from "./source";
import { SOURCES } from "./sources";
import { report_feed } from "./status";

/** Follows the registries of all upstreams. Each feed has a light thread for each of its sessions. */

const PAUSE_SECONDS = 0.05;

function follow_once(feed: Feed): void {
  const [returned, result] = pcall(SOURCES[feed.source].follow, feed);
  feed.is_busy = false;
  if (is_closed(feed)) return;
  const cause = returned ? result : internal_error(result);
  if (cause === undefined) return;
  feed.not_before = clock.now() + note_failure(feed, describe_feed(feed), cause);
  report_feed(feed, cause);
}

function start_sessions(run: Run): void {
  const now = clock.now();
  for (const [, feed] of pairs(feeds)) {
    if (!feed.is_busy && feed.not_before <= now) {
      feed.is_busy = true;
      start_thread(run, () => {
        follow_once(feed);
        return false;
      });
    }
  }
}

function yield_to_requests(this: void): boolean {
  pause();
  return !is_over();
}

function follow_for_a_while(this: void, run: Run): void {
  // nginx frees the memory of the timer's threads only when the timer ends.
  const end = clock.now() + SESSION_SECONDS;
  while (!is_complete(run) && !is_over() && clock.now() < end) {
    follow_changes(yield_to_requests);
    start_sessions(run);
    ngx.sleep(PAUSE_SECONDS);
  }
}

/** Starts the task that follows this worker's share of the registries. Phase: init_worker_by_lua. */
export function start_discovery(): void {
  follow_template();
  start_background({
    verb: "follow registries",
    round: follow_for_a_while,
    is_over,
    is_critical: is_writing,
  });
}
