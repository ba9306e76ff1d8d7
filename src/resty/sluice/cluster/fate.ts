import type { EtcdClient } from "../net/etcd/client";
import { get_key, type KeyValue } from "../net/etcd/keys";

/** Finds out from the versions of a key whether a change was made whose answer was lost. */

/** A change of an upstream's key. */
export interface Change {
  name: string;
  /** Unique among all values. Undefined: the key is deleted. */
  value: string | undefined;
  /** etcd's revision of the version that the change replaces; 0: none. */
  from: number;
}

type Fate = "made" | "not made" | "unknown";

/** Enough steps for the changes that others make while one request is repeated. */
const MOST_STEPS = 50;

/**
 * Looks for a change among the versions of its key, whose values are unique, from the newest back. Returns
 * its outcome, and etcd's revision of it if it was made. Phases that have cosockets.
 */
export function find_fate(
  client: EtcdClient,
  key: string,
  { value, from }: Change,
  newest: KeyValue | undefined,
): LuaMultiReturn<[Fate, number]> {
  let later = newest;
  for (const _ of $range(1, MOST_STEPS)) {
    if (later === undefined || later.revision <= from) break;
    const [found] = get_key(client, key, later.revision - 1);
    // The version may have been compacted.
    if (found === undefined) break;
    const { entry } = found;
    if (entry === undefined) {
      // Between the two versions the key was deleted: by this change, or by another one with the same effect.
      if (value === undefined) return $multi("made", later.revision - 1);
      break;
    }
    if (entry.value === value) return $multi("made", entry.revision);
    if (entry.revision <= from) return $multi("not made", 0);
    later = entry;
  }
  return $multi("unknown", 0);
}
