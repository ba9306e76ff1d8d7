import type { EtcdClient } from "../net/etcd/client";
import { get_key, type KeyValue } from "../net/etcd/keys";

/** Finds out from a key's history whether a change was made whose answer was lost. */

/** A change of an upstream's key. */
export interface Change {
  name: string;
  /** Like no other value. Undefined: the key is to be deleted. */
  value: string | undefined;
  /** etcd's revision of what is there; 0: nothing. */
  from: number;
  /** Of the etcd in which that is its revision. */
  history: string;
}

type Fate = "made" | "not made" | "unknown";

/** Enough for the changes that others make while one request is repeated. */
const MOST_STEPS = 50;

/**
 * Looks for a change among the versions of its key, from the newest back to the one that it was based on.
 * Each value is like no other, so that the change is recognised by it. Phases that have cosockets.
 *
 * @param newest what the key holds now; undefined: it was deleted since
 * @returns what became of the change, and etcd's revision of it if it was made
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
    // It may have been compacted.
    if (found === undefined) break;
    const { entry } = found;
    if (entry === undefined) {
      // Between the two versions the key was deleted: by the change, or by another that had the same effect.
      if (value === undefined) return $multi("made", later.revision - 1);
      break;
    }
    if (entry.value === value) return $multi("made", entry.revision);
    if (entry.revision <= from) return $multi("not made", 0);
    later = entry;
  }
  return $multi("unknown", 0);
}
