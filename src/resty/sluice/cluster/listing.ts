import type { KeyValue } from "../net/etcd/keys";
import { before_key, complete_key, history_key } from "./history";
import { is_renewals } from "./renewals";
import { name_of_tombstone } from "./tombstones";

/** The keys below the prefix, by kind. */
export interface Parts {
  /** The key that identifies the history; undefined: none. */
  history: KeyValue | undefined;
  /** The key that identifies the previous history, which a restored copy belongs to. */
  before: KeyValue | undefined;
  /** Whether a gateway has put all its upstreams there. */
  is_complete: boolean;
  /** The records of deleted upstreams, by name. */
  tombstones: LuaTable<string, KeyValue | undefined>;
  /** All other keys except renewals. */
  upstreams: KeyValue[];
}

/** Sorts keys by kind. Pure. */
export function sort_keys(prefix: string, keys: readonly KeyValue[]): Parts {
  const parts: Parts = {
    history: undefined,
    before: undefined,
    is_complete: false,
    tombstones: new LuaTable(),
    upstreams: [],
  };
  for (const entry of keys) {
    const deleted = name_of_tombstone(prefix, entry.key);
    if (entry.key === history_key(prefix)) parts.history = entry;
    else if (entry.key === before_key(prefix)) parts.before = entry;
    else if (entry.key === complete_key(prefix)) parts.is_complete = true;
    else if (deleted !== undefined) parts.tombstones.set(deleted, entry);
    else if (!is_renewals(prefix, entry.key)) parts.upstreams.push(entry);
  }
  return parts;
}
