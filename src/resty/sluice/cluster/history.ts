import * as clock from "../lib/clock";
import { crc32 } from "../lib/crc32";
import type { Result } from "../lib/result";
import type { EtcdClient } from "../net/etcd/client";
import { get_key, type KeyValue, type Listing } from "../net/etcd/keys";
import { call_txn, has_value, is_at, put, remove } from "../net/etcd/txn";
import {
  HISTORY_DIGITS,
  is_grace,
  known_history,
  note_grace,
  note_history,
} from "../store/document/clustered";
import { new_secret } from "../store/document/secret";
import { parse_version, type History } from "./version";

/**
 * The history of an etcd: from when it is empty to when it loses its data or is restored from a copy. etcd
 * counts revisions from 1 in each history, so a revision alone could be mistaken for that of another history.
 *
 * Keys below the prefix: `state/history` identifies the history by random digits and a part of the identity
 * of etcd's cluster; `state/before` identifies the history that a restored copy belongs to; `state/complete`
 * tells that a gateway has put all its upstreams there once.
 */

/** Why a session ends when etcd has lost its data. */
export const NEW_HISTORY = "etcd begins a new history";

const RANDOM_DIGITS = 8;
/**
 * For so many seconds after this gateway has put back lost versions, changes wait: other gateways may come
 * back with newer versions.
 */
const GRACE_SECONDS = 5;
/** Upper bound on how long changes wait for that, in seconds, unless this gateway tries again. */
const LONGEST_SETTLING = 60;

/** An etcd that this gateway has joined. */
export interface Joined extends History {
  client: EtcdClient;
  prefix: string;
  /** Whether a gateway has put all its upstreams there: then a missing upstream was deleted. */
  is_complete: boolean;
  /** etcd's revision when its keys were listed. */
  listed: number;
}

/** Returns the key that identifies the history. */
export function history_key(prefix: string): string {
  return `${prefix}state/history`;
}

/** Returns the key that identifies the previous history. */
export function before_key(prefix: string): string {
  return `${prefix}state/before`;
}

/** Returns the key that tells that a gateway has put all its upstreams there. */
export function complete_key(prefix: string): string {
  return `${prefix}state/complete`;
}

function is_history(text: string): boolean {
  return text.length === HISTORY_DIGITS && string.find(text, "^%x+$")[0] !== undefined;
}

function digits_of_cluster(cluster_id: string): string {
  return string.format("%08x", crc32(cluster_id));
}

/** Returns whether a history is one of an etcd's cluster. */
export function is_of_cluster(history: string, cluster_id: string | undefined): boolean {
  return string.sub(history, RANDOM_DIGITS + 1) === digits_of_cluster(tostring(cluster_id ?? ""));
}

/**
 * Returns whether a history is still that of this etcd, and not of one it was copied from: etcd never has
 * older revisions than a gateway has seen.
 */
function is_current(
  history: string,
  prefix: string,
  { cluster_id, revision, keys }: Listing,
  own: LuaTable<string, string>,
): boolean {
  if (!is_history(history) || !is_of_cluster(history, cluster_id)) return false;
  const revisions = new LuaTable<string, number | undefined>();
  for (const entry of keys) revisions.set(entry.key, entry.revision);
  for (const [name, text] of pairs(own)) {
    const version = parse_version(text);
    const newest = revisions.get(prefix + name) ?? revision;
    if (version?.history === history && version.revision > newest) return false;
  }
  return true;
}

/** Returns whether some versions belong to other histories, which etcd has lost. */
function has_others(own: LuaTable<string, string>, history: string): boolean {
  for (const [, text] of pairs(own)) {
    const version = parse_version(text);
    if (version !== undefined && version.history !== "" && version.history !== history) return true;
  }
  return false;
}

/** Begins a history, unless another gateway has done so. Returns it, or undefined and the cause. */
function begin_history(
  client: EtcdClient,
  prefix: string,
  entry: KeyValue | undefined,
  cluster_id: string,
): Result<History> {
  const [secret, no_secret] = new_secret();
  if (secret === undefined) return $multi(undefined, no_secret);
  const history = string.sub(secret, 1, RANDOM_DIGITS) + digits_of_cluster(cluster_id);
  const key = history_key(prefix);
  const before = entry !== undefined && is_history(entry.value) ? entry.value : undefined;
  const note = before_key(prefix);
  const success = [put(key, history), before === undefined ? remove(note) : put(note, before)];
  const [answer, cause] = call_txn(client, { compare: [is_at(key, entry?.revision ?? 0)], success });
  if (answer === undefined) return $multi(undefined, cause);
  if (answer.succeeded !== true)
    return $multi(undefined, "another gateway has begun a new history at the same time");
  return $multi({ history, began: tonumber(answer.header?.revision) ?? 0, before }, undefined);
}

/** Lets changes wait while this gateway puts back what etcd has lost. */
function note_settling(history: string, own: LuaTable<string, string>): void {
  const now = clock.now();
  const is_new = history !== known_history();
  if (is_new) ngx.log(ngx.NOTICE, `sluice: the history of the cluster's etcd is ${history}`);
  if (is_new ? has_others(own, history) : is_grace(now)) note_grace(now + LONGEST_SETTLING);
}

/**
 * Determines the history of a listing, or begins one, and makes it known to all workers. `entry` and `before`
 * are the listing's entries of the two history keys; `own` holds this gateway's versions.
 */
export function join_history(
  client: EtcdClient,
  prefix: string,
  listing: Listing,
  entry: KeyValue | undefined,
  before: KeyValue | undefined,
  own: LuaTable<string, string>,
): Result<History> {
  let found: History | undefined;
  if (entry !== undefined && is_current(entry.value, prefix, listing, own)) {
    found = { history: entry.value, began: entry.revision, before: before?.value };
  } else {
    const [begun, cause] = begin_history(client, prefix, entry, listing.cluster_id);
    if (begun === undefined) return $multi(undefined, cause);
    found = begun;
  }
  note_settling(found.history, own);
  note_history(found.history);
  return $multi(found, undefined);
}

/**
 * Checks that etcd answers and still has the history. A watch that began after etcd has lost its data does
 * not tell that: it waits for a revision that may be far. Returns the cause of a failure. Phases that have
 * cosockets.
 */
export function check_history({ client, prefix, history, listed }: Joined): string | undefined {
  const [found, cause] = get_key(client, history_key(prefix));
  if (found === undefined) return cause;
  return found.entry?.value === history && found.revision >= listed ? undefined : NEW_HISTORY;
}

/** Records that all upstreams are settled. Returns the cause when that fails. Phases that have cosockets. */
export function note_settled({ client, prefix, history, is_complete }: Joined): string | undefined {
  const now = clock.now();
  if (is_grace(now)) note_grace(now + GRACE_SECONDS);
  if (is_complete) return undefined;
  const compare = [has_value(history_key(prefix), history)];
  const [, cause] = call_txn(client, { compare, success: [put(complete_key(prefix), "yes")] });
  return cause;
}
