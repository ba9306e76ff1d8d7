import type * as clock from "../lib/clock";
import { UpstreamRow } from "../store/memory/cells";
import { is_present, shared_memory } from "../store/memory/region";
import type { Controlled } from "./controlled";
import type { Decision, ScalingTimes } from "./scaling_rule";

/**
 * The cells of an upstream's scaling. While a write or a webhook takes its time, the upstream may be deleted,
 * and its row become that of a server, of which these cells are the state and the limits.
 */

/** Reads the times of scaling. The last decision may be of another gateway. Undefined: it was deleted. */
export function read_times(upstream: Controlled): ScalingTimes | undefined {
  if (!is_present(upstream)) return undefined;
  const memory = shared_memory();
  const { row } = upstream;
  return {
    high_since: memory[row + UpstreamRow.HIGH_SINCE],
    low_since: memory[row + UpstreamRow.LOW_SINCE],
    scaled_at: memory[row + UpstreamRow.SCALED_AT],
  };
}

export function store_times(upstream: Controlled, { high_since, low_since }: ScalingTimes): void {
  if (!is_present(upstream)) return;
  const memory = shared_memory();
  const { row } = upstream;
  memory[row + UpstreamRow.HIGH_SINCE] = high_since;
  memory[row + UpstreamRow.LOW_SINCE] = low_since;
}

/** Counts a decision to scale, and begins the cooldown. */
export function note_decision(upstream: Controlled, { direction }: Decision, now: clock.Moment): void {
  if (!is_present(upstream)) return;
  const memory = shared_memory();
  const { row } = upstream;
  memory[row + UpstreamRow.SCALED_AT] = now;
  const counter = row + (direction === "out" ? UpstreamRow.SCALE_OUTS : UpstreamRow.SCALE_INS);
  memory[counter] = memory[counter] + 1;
}

/** Sets when this gateway may make the next call of the webhook. */
export function set_call_due(upstream: Controlled, due: clock.Moment): void {
  if (is_present(upstream)) shared_memory()[upstream.row + UpstreamRow.CALL_DUE] = due;
}

/** Returns the number that follows the upstream's name in the id of a call. */
function number_of({ name }: Controlled, id: string): number {
  return tonumber(string.sub(id, name.length + 2)) ?? 0;
}

/** Notes that a call was answered: until that is stored, the workers after this one must not repeat it. */
export function note_answered(upstream: Controlled, id: string): void {
  if (is_present(upstream))
    shared_memory()[upstream.row + UpstreamRow.ANSWERED_CALL] = number_of(upstream, id);
}

/** Tells whether a call was answered. */
export function is_answered(upstream: Controlled, id: string): boolean {
  if (!is_present(upstream)) return false;
  return shared_memory()[upstream.row + UpstreamRow.ANSWERED_CALL] === number_of(upstream, id);
}
