import * as clock from "../../lib/clock";
import { record } from "../../lib/json";
import { note_seen_revision } from "../../store/memory/slots";
import { workers_at } from "../../store/memory/workers";

/** How many workers follow a change. Each worker notes the revision that it has seen some times a second. */

const workers_record = record("following total");
const RETRY_SECONDS = 0.02;

/** Returns how many workers have seen a revision, and the number of all workers. Any phase. */
export function following_workers(revision: number): object {
  note_seen_revision();
  const [following, total] = workers_at(revision);
  return workers_record({ following, total });
}

/** Waits until all workers have seen a revision, for at most `seconds`. Phases that can sleep. */
export function wait_for_workers(revision: number, seconds: number): void {
  const deadline = clock.now() + seconds;
  note_seen_revision();
  let [following, total] = workers_at(revision);
  while (following < total && clock.now() < deadline) {
    ngx.sleep(RETRY_SECONDS);
    [following, total] = workers_at(revision);
  }
}
