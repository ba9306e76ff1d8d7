import type { EtcdClient } from "../net/etcd/client";
import { get_key, type KeyValue } from "../net/etcd/keys";

/** Finds out from the versions of a key whether a change was made whose answer was lost. */

/** A change of an upstream's key. */
export interface Change {
  name: string;
  /** The new value of the key, or of the record of its deletion. Unique among all values. */
  value: string;
  is_deletion: boolean;
  /** etcd's revision of the version that the change replaces; 0: none. */
  from: number;
}

type Fate = "made" | "not made" | "unknown";

/** Enough steps for the changes that others make while one request is repeated. */
const MOST_STEPS = 50;

/**
 * Looks for a change among the versions of the key that has its value, from the newest back. Returns its
 * outcome, and etcd's revision of it if it was made. Phases that have cosockets.
 */
export function find_fate(
  client: EtcdClient,
  key: string,
  { value, is_deletion, from }: Change,
  newest: KeyValue | undefined,
): LuaMultiReturn<[Fate, number]> {
  let version = newest;
  for (const _ of $range(1, MOST_STEPS)) {
    // A key may have been deleted since. A record is kept much longer than a request is repeated.
    if (version === undefined) return $multi(is_deletion ? "not made" : "unknown", 0);
    if (version.value === value) return $multi("made", version.revision);
    if (version.revision <= from) return $multi("not made", 0);
    const [found] = get_key(client, key, version.revision - 1);
    // The version may have been compacted.
    if (found === undefined) break;
    version = found.entry;
  }
  return $multi("unknown", 0);
}
