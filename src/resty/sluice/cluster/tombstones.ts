import * as clock from "../lib/clock";
import type { KeyValue } from "../net/etcd/keys";
import { call_txn, is_at, put, remove } from "../net/etcd/txn";
import type { Joined } from "./history";
import { format_version, is_later, parse_version, version_at, type History, type Version } from "./version";

/**
 * Records of deleted upstreams, each a key in etcd. When etcd has lost its data, a gateway that comes back
 * late may have an upstream that was deleted, which only a record tells. Each gateway remembers the records
 * and puts them back, as it does upstreams.
 */

const FOLDER = "deleted/";
/** How long a record is kept, in seconds: the longest absence of a gateway that is handled. */
const KEPT_SECONDS = 3600;

interface Tombstone {
  /** The version at which the upstream was deleted. */
  version: Version;
  /** etcd's revision of the record, and when this gateway saw it first. */
  revision: number;
  seen: number;
}

/** The records by the upstream's name, as the worker that follows the cluster knows them. */
const tombstones = new LuaTable<string, Tombstone | undefined>();

/** Returns the key of a record. */
export function tombstone_key(prefix: string, name: string): string {
  return prefix + FOLDER + name;
}

/** Returns the name of the upstream that a key records as deleted; undefined: it is another key. */
export function name_of_tombstone(prefix: string, key: string): string | undefined {
  if (string.sub(key, prefix.length + 1, prefix.length + FOLDER.length) !== FOLDER) return undefined;
  return string.sub(key, prefix.length + FOLDER.length + 1);
}

/** Returns the version of a record: its value if it was put back. */
function version_of_record(found: History, { value, revision }: KeyValue): Version {
  return parse_version(value) ?? version_at(found, revision);
}

/** Remembers a record, unless a later one is known that etcd has lost. */
export function note_tombstone(name: string, entry: KeyValue, found: History): void {
  const known = tombstones.get(name);
  const recorded = version_of_record(found, entry);
  const version = known !== undefined && is_later(known.version, recorded) ? known.version : recorded;
  const is_known = known?.revision === entry.revision && known.version.revision === version.revision;
  tombstones.set(name, { version, revision: entry.revision, seen: is_known ? known.seen : clock.now() });
}

/** Forgets a record that was removed. */
export function forget_tombstone(name: string): void {
  tombstones.delete(name);
}

/** Returns the version at which an upstream was deleted, if that is recorded. */
export function deleted_at(name: string): Version | undefined {
  return tombstones.get(name)?.version;
}

/** Puts the records of earlier histories back into etcd, where it has none or an earlier one. */
function put_back(joined: Joined, there: LuaTable<string, KeyValue | undefined>): string | undefined {
  const { client, prefix, history } = joined;
  for (const [name, { version }] of pairs(tombstones)) {
    const entry = there.get(name);
    const is_lost = entry === undefined || is_later(version, version_of_record(joined, entry));
    if (version.history !== history && is_lost) {
      const key = tombstone_key(prefix, name);
      const compare = [is_at(key, entry?.revision ?? 0)];
      const txn = { compare, success: [put(key, format_version(version))] };
      const [answer, cause] = call_txn(client, txn);
      if (answer === undefined) return cause;
    }
  }
  return undefined;
}

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

/** Takes over etcd's records, puts back lost ones and deletes old ones. Returns the cause of a failure. */
export function settle_tombstones(
  joined: Joined,
  there: LuaTable<string, KeyValue | undefined>,
): string | undefined {
  for (const [name, entry] of pairs(there)) note_tombstone(name, entry, joined);
  return put_back(joined, there) ?? remove_old(joined);
}
