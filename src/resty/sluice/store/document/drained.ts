import { iso8601, parse_iso8601 } from "../../lib/iso8601";
import type { Document, Drained } from "./document";

/** The servers that drain jobs have removed: clients ask about a job after its end. Pure. */

/** How long a finished job stays known, in seconds: at least 10 minutes. */
const KNOWN_SECONDS = 660;
/** How many of the last finished jobs are always known: the time of day may have been set. */
const ALWAYS_KNOWN = 16;

/** Adds servers that are removed `now`, in seconds since 1970, and drops old ones. */
export function with_drained(
  drained: readonly Drained[] = [],
  removed: readonly { id: number; server: string }[],
  now: number,
): Drained[] {
  const known: Drained[] = [];
  const always_from = drained.length + removed.length - ALWAYS_KNOWN;
  for (const [number, entry] of ipairs(drained)) {
    const age = now - (parse_iso8601(entry.time) ?? 0);
    if (number > always_from || age < KNOWN_SECONDS) known.push(entry);
  }
  const time = iso8601(now);
  for (const { id, server } of removed) known.push({ id, server, time });
  return known;
}

/** Returns the last entry that `is_wanted` accepts; undefined: none. */
export function find_drained(
  { drained }: Document,
  is_wanted: (this: void, entry: Drained) => boolean,
): Drained | undefined {
  let found: Drained | undefined;
  for (const entry of drained ?? []) {
    if (is_wanted(entry)) found = entry;
  }
  return found;
}
