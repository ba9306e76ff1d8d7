import * as clock from "../lib/clock";
import type { KeyValue } from "../net/etcd/keys";
import { call_txn, is_at, put, remove } from "../net/etcd/txn";
import type { Joined } from "./history";
import { format_version, parse_version, type Version } from "./version";

/**
 * Records of deleted upstreams, each a key of etcd's. When etcd has lost its data, a gateway that comes back
 * late may have an upstream that was deleted: only a record tells. Each gateway remembers the records and
 * puts them back, as upstreams.
 */

const FOLDER = "deleted/";
/** How long a record is kept: as long a gateway may be away, in seconds. */
const KEPT_SECONDS = 3600;

interface Tombstone {
  /** The version at which the upstream was deleted. */
  version: Version;
  /** etcd's revision of the record, and when this gateway saw it first. */
  revision: number;
  seen: number;
}

/** By the upstream's name, as the worker that follows the cluster knows them. */
const tombstones = new LuaTable<string, Tombstone>();

/** The key of a record. */
export function tombstone_key(prefix: string, name: string): string {
  return prefix + FOLDER + name;
}

/** The name of the upstream that a key records as deleted; undefined: it is another key. */
export function name_of_tombstone(prefix: string, key: string): string | undefined {
  if (string.sub(key, prefix.length + 1, prefix.length + FOLDER.length) !== FOLDER) return undefined;
  return string.sub(key, prefix.length + FOLDER.length + 1);
}

/** Remembers a record. Its value is the version if it was put back, and otherwise empty. */
export function note_tombstone(name: string, { value, revision }: KeyValue, history: string): void {
  const known = tombstones.get(name) as Tombstone | undefined;
  const version = parse_version(value) ?? { history, revision };
  const is_known = known?.version.history === history && known.revision === revision;
  tombstones.set(name, { version, revision, seen: is_known ? known.seen : clock.now() });
}

/** The version at which an upstream was deleted, if that is recorded. */
export function deleted_at(name: string): Version | undefined {
  return (tombstones.get(name) as Tombstone | undefined)?.version;
}

/** Puts the records of earlier histories back into etcd. */
function put_back(
  { client, prefix, history }: Joined,
  there: LuaTable<string, KeyValue>,
): string | undefined {
  for (const [name, { version }] of pairs(tombstones)) {
    if (version.history !== history && !there.has(name)) {
      const key = tombstone_key(prefix, name);
      const txn = { compare: [is_at(key, 0)], success: [put(key, format_version(version))] };
      const [answer, cause] = call_txn(client, txn);
      if (answer === undefined) return cause;
    }
  }
  return undefined;
}

/** Deletes the records that have been there for long. */
function remove_old({ client, prefix }: Joined): string | undefined {
  const now = clock.now();
  for (const [name, { revision, seen }] of pairs(tombstones)) {
    if (now - seen > KEPT_SECONDS) {
      const key = tombstone_key(prefix, name);
      const [answer, cause] = call_txn(client, { compare: [is_at(key, revision)], success: [remove(key)] });
      if (answer === undefined) return cause;
      tombstones.delete(name);
    }
  }
  return undefined;
}

/**
 * Remembers the records that etcd has, puts those of earlier histories back, and deletes old ones. Returns
 * the cause when it fails. Phases that have cosockets.
 */
export function settle_tombstones(joined: Joined, there: LuaTable<string, KeyValue>): string | undefined {
  for (const [name, entry] of pairs(there)) note_tombstone(name, entry, joined.history);
  return put_back(joined, there) ?? remove_old(joined);
}
