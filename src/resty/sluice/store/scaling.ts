import * as clock from "../lib/clock";
import type { Document, Scaling } from "./document/document";
import { UpstreamRow } from "./memory/cells";
import { row_at, shared_memory } from "./memory/region";

/** The time of an upstream's last scaling, in shared memory, by the monotonic clock of this machine. */

function is_same_decision(before: Scaling | undefined, after: Scaling): boolean {
  return before?.id === after.id && before.time === after.time;
}

/**
 * Starts the cooldown of a new decision to scale, and the wait for its call. The caller holds the write lock.
 */
export function note_scaling(before: Document | undefined, { row, scaling }: Document): void {
  const memory = shared_memory();
  const cells = row_at(row);
  if (scaling === undefined || scaling === before?.scaling) return;
  const now = clock.now();
  if (!is_same_decision(before?.scaling, scaling)) memory[cells + UpstreamRow.SCALED_AT] = now;
  if (scaling.wait === before?.scaling?.wait) return;
  memory[cells + UpstreamRow.PENDING_UNTIL] = scaling.wait === undefined ? 0 : now + scaling.wait;
}

/** Continues the cooldown of a saved document by the time of day; a future time counts as now. */
export function restore_scaling(document: Document): void {
  const { row, scaling } = document;
  if (scaling === undefined) return;
  note_scaling(undefined, document);
  shared_memory()[row_at(row) + UpstreamRow.SCALED_AT] = math.min(clock.now(), clock.moment_of(scaling.time));
}
