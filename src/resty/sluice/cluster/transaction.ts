import type { Read } from "../config/reader";
import type { EtcdConfig } from "../config/sources/etcd";
import * as clock from "../lib/clock";
import type { Result } from "../lib/result";
import { unexpected } from "../lib/schema";
import { is_unconnected } from "../net/connection";
import { ETCD, new_etcd_client, log_in, type EtcdClient, type Refusal } from "../net/etcd/client";
import {
  call_txn,
  get,
  has_value,
  is_at,
  key_in,
  put,
  remove,
  type Txn,
  type TxnAnswer,
} from "../net/etcd/txn";
import { LOST } from "../store/document/problems";
import { find_fate, type Change } from "./fate";
import { history_key } from "./history";
import { refused_change, unavailable, unknown_outcome } from "./refusals";
import { tombstone_key } from "./tombstones";

/** Changes one key of etcd if its revision and the history are still the expected ones. */

/** etcd's revision after the change, or undefined and the problem; `LOST` when another change came first. */
type Ended = Read<number>;

/** Other writers wait during this time. */
const PATIENCE_SECONDS = 4;
const ANOTHER_HISTORY =
  "etcd has lost its data, or was restored, and this gateway has not read it since. Try again";

/** The index of the member that answered last. */
let preferred = 0;
const clients = new LuaTable<number, EtcdClient | undefined>();

function txn_of(prefix: string, { name, value, from, history }: Change): Txn {
  const key = prefix + name;
  const of_history = history_key(prefix);
  const deletion = [remove(key), put(tombstone_key(prefix, name), "")];
  return {
    compare: [is_at(key, from), has_value(of_history, history)],
    success: value === undefined ? deletion : [put(key, value)],
    failure: [get(key), get(of_history)],
  };
}

/** Returns the client of a member. No connection is reused, as that could send a request twice. */
function client_of(etcd: EtcdConfig, attempt: number): EtcdClient {
  const member = attempt % etcd.endpoints.length;
  let client = clients.get(member);
  if (client === undefined) {
    client = new_etcd_client(etcd, member, "transaction", () => false);
    client.service.destination.keepalive_time = 0;
    clients.set(member, client);
  }
  return client;
}

/** Returns the client of the member that answered last, logged in, or undefined and the cause. */
export function preferred_client(etcd: EtcdConfig): Result<EtcdClient> {
  const client = client_of(etcd, preferred);
  if (client.token === undefined) {
    const [logged_in, refused] = log_in(client);
    if (logged_in === undefined) return $multi(undefined, refused);
  }
  return $multi(client, undefined);
}

function ask(
  client: EtcdClient,
  txn: Txn,
): LuaMultiReturn<[TxnAnswer | undefined, string | undefined, Refusal | undefined]> {
  const [answer, cause, refusal] = call_txn(client, txn);
  // etcd may have refused the token.
  if (answer === undefined) client.token = undefined;
  if (answer?.succeeded === true && answer.header?.revision === undefined)
    return $multi(undefined, unexpected(ETCD, 'there is no "header.revision"'), undefined);
  return $multi(answer, cause, refusal);
}

/** Determines the outcome after a failed comparison. `unclear`: why an earlier attempt had no answer. */
function conclude(
  client: EtcdClient,
  answer: TxnAnswer,
  prefix: string,
  change: Change,
  unclear: string | undefined,
): Ended {
  if (key_in(answer, 1)?.value !== change.history) {
    const refuse = unclear === undefined ? unavailable : unknown_outcome;
    return $multi(undefined, refuse(ANOTHER_HISTORY));
  }
  const newest = key_in(answer, 0);
  if (newest !== undefined && newest.value === change.value) return $multi(newest.revision, undefined);
  if (unclear === undefined) return $multi(undefined, LOST);
  // The key is gone, as the change intended.
  if (newest === undefined && change.value === undefined)
    return $multi(tonumber(answer.header?.revision), undefined);
  const [fate, revision] = find_fate(client, prefix + change.name, change, newest);
  if (fate === "made") return $multi(revision, undefined);
  return $multi(undefined, fate === "not made" ? LOST : unknown_outcome(unclear));
}

/** Makes a change through any member that answers. Phases that have cosockets. */
export function make_change(etcd: EtcdConfig, change: Change): Ended {
  const txn = txn_of(etcd.prefix, change);
  let cause = "";
  let unclear: string | undefined;
  const deadline = clock.now() + PATIENCE_SECONDS;
  for (const _ of $range(0, etcd.endpoints.length)) {
    if (clock.now() > deadline) break;
    const [client, refused] = preferred_client(etcd);
    if (client === undefined) {
      cause = refused ?? "";
    } else {
      const [answer, failure, refusal] = ask(client, txn);
      if (answer?.succeeded === true) return $multi(tonumber(answer.header?.revision), undefined);
      if (answer !== undefined) return conclude(client, answer, etcd.prefix, change, unclear);
      if (refusal !== undefined) return $multi(undefined, refused_change(refusal, failure));
      cause = failure ?? "";
      if (!is_unconnected(cause)) unclear ??= cause;
    }
    preferred += 1;
  }
  return $multi(undefined, unclear === undefined ? unavailable(cause) : unknown_outcome(unclear));
}
