import { crc32 } from "../lib/crc32";
import * as clock from "../lib/clock";
import type { EtcdClient } from "../net/etcd/client";
import type { KeyValue, Listing } from "../net/etcd/keys";
import { call_txn, is_at, put } from "../net/etcd/txn";
import { known_history, note_grace, note_history } from "../store/clustered";
import { new_secret } from "../store/secret";
import { parse_version } from "./version";

/**
 * The history of an etcd: from when it is empty to when it has lost its data, or is made from a copy. etcd
 * counts its revisions from 1 in each, so that a revision alone would be taken for that of another history.
 * The key `state/complete` holds what identifies the history: random digits, and some of the identity of
 * etcd's cluster.
 */

const RANDOM_DIGITS = 8;
/**
 * After a loss of etcd's data, changes wait for so long, in seconds: other gateways may come back with newer
 * versions, which a change of an older one would outdate.
 */
const GRACE_SECONDS = 5;

/** An etcd that this gateway has joined. */
export interface Joined {
  client: EtcdClient;
  prefix: string;
  history: string;
  /** Whether a gateway had joined before it, at any time: then what is not there was deleted. */
  had_history: boolean;
}

/** The key that identifies the history. Earlier versions of Sluice write "yes" there. */
export function history_key(prefix: string): string {
  return `${prefix}state/complete`;
}

function digits_of_cluster(cluster_id: string): string {
  return string.format("%08x", crc32(cluster_id));
}

/** Whether a history that a key names is that of this etcd still, and not of one that it was copied from. */
function is_current(
  history: string,
  { cluster_id, revision }: Listing,
  own: LuaTable<string, string>,
): boolean {
  if (string.find(history, "^%x+$")[0] === undefined) return false;
  if (string.sub(history, RANDOM_DIGITS + 1) !== digits_of_cluster(cluster_id)) return false;
  for (const [, text] of pairs(own)) {
    const version = parse_version(text);
    if (version?.history === history && version.revision > revision) return false;
  }
  return true;
}

/** Whether some versions are of other histories, which etcd has lost. */
function has_others(own: LuaTable<string, string>, history: string): boolean {
  for (const [, text] of pairs(own)) {
    const version = parse_version(text);
    if (version !== undefined && version.history !== "" && version.history !== history) return true;
  }
  return false;
}

/** Has a history begin, unless another gateway has done so. Returns it, or undefined and the cause. */
function begin_history(
  client: EtcdClient,
  key: string,
  before: number,
  cluster_id: string,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  const [secret, no_secret] = new_secret();
  if (secret === undefined) return $multi(undefined, no_secret);
  const history = string.sub(secret, 1, RANDOM_DIGITS) + digits_of_cluster(cluster_id);
  const [answer, cause] = call_txn(client, { compare: [is_at(key, before)], success: [put(key, history)] });
  if (answer === undefined) return $multi(undefined, cause);
  if (answer.succeeded === true) return $multi(history, undefined);
  return $multi(undefined, "another gateway has begun a new history at the same time");
}

/**
 * Finds out which history a listing is of, or begins one. From then on, all workers know it. Phases that have
 * cosockets.
 *
 * @param entry what the listing has under the history's key; undefined: nothing
 * @param own the versions of this gateway's upstreams, by name
 * @returns the history, or undefined and the cause
 */
export function join_history(
  client: EtcdClient,
  prefix: string,
  listing: Listing,
  entry: KeyValue | undefined,
  own: LuaTable<string, string>,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  let history = entry?.value;
  if (history === undefined || !is_current(history, listing, own)) {
    const key = history_key(prefix);
    const [begun, cause] = begin_history(client, key, entry?.revision ?? 0, listing.cluster_id);
    if (begun === undefined) return $multi(undefined, cause);
    history = begun;
  }
  if (history !== known_history()) {
    ngx.log(ngx.NOTICE, `sluice: the history of the cluster's etcd is ${history}`);
    if (has_others(own, history)) note_grace(clock.now() + GRACE_SECONDS);
  }
  note_history(history);
  return $multi(history, undefined);
}
