import type { Read } from "../config/reader";
import type { Problem } from "../config/problem";
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
import { history_key, is_of_cluster } from "./history";
import { refused_change, unavailable, unknown_outcome } from "./refusals";
import { tombstone_key } from "./tombstones";

/** Changes keys of etcd if their revisions and the history are still the expected ones. */

/** etcd's revision after the change, or undefined and the problem; `LOST` when another change came first. */
type Ended = Read<number>;

/** Other writers wait during this time. */
const PATIENCE_SECONDS = 4;
const ANOTHER_HISTORY =
  "etcd has lost its data, or was restored, and this gateway has not read it since. Try again";

/** The index of the member that answered last. */
let preferred = 0;
const clients = new LuaTable<number, EtcdClient | undefined>();

/** Upper bound on the comparisons and on the operations of a transaction: etcd's default, --max-txn-ops. */
const MOST_OPERATIONS = 128;

/** Returns the key that gets the value of a change: that of the upstream, or the record of its deletion. */
function key_with_value(prefix: string, { name, is_deletion }: Change): string {
  return is_deletion ? tombstone_key(prefix, name) : prefix + name;
}

function txn_of(prefix: string, changes: readonly Change[], history: string): Txn {
  const of_history = history_key(prefix);
  const compare = [has_value(of_history, history)];
  const success: object[] = [];
  for (const change of changes) {
    const key = prefix + change.name;
    compare.push(is_at(key, change.from));
    if (change.is_deletion) success.push(remove(key));
    success.push(put(key_with_value(prefix, change), change.value));
  }
  return { compare, success, failure: [get(key_with_value(prefix, changes[0])), get(of_history)] };
}

/** Returns the problem of more changes than a transaction can have. */
function check_size({ compare, success }: Txn): Problem | undefined {
  if (compare.length <= MOST_OPERATIONS && success.length <= MOST_OPERATIONS) return undefined;
  const text =
    `a change may concern at most ${MOST_OPERATIONS - 1} upstreams that the gateways of a cluster share, where a ` +
    "deletion counts twice: divide it";
  return { status: 400, code: "TooManyUpstreams", text };
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

/**
 * Determines the outcome after a failed comparison. All changes of a transaction are made or none, so the
 * first one tells for all.
 *
 * @param unclear why an earlier attempt had no answer
 */
function conclude(
  client: EtcdClient,
  answer: TxnAnswer,
  prefix: string,
  [change]: readonly Change[],
  history: string,
  unclear: string | undefined,
): Ended {
  if (key_in(answer, 1)?.value !== history) {
    const refuse = unclear === undefined ? unavailable : unknown_outcome;
    return $multi(undefined, refuse(ANOTHER_HISTORY));
  }
  const newest = key_in(answer, 0);
  if (newest !== undefined && newest.value === change.value) return $multi(newest.revision, undefined);
  if (unclear === undefined) return $multi(undefined, LOST);
  const [fate, revision] = find_fate(client, key_with_value(prefix, change), change, newest);
  if (fate === "made") return $multi(revision, undefined);
  return $multi(undefined, fate === "not made" ? LOST : unknown_outcome(unclear));
}

/**
 * Returns the revision of a change that was made. A copy of an etcd names the same history until a gateway
 * has read it, and the change will be lost if the copy is older than what the gateways have.
 */
function revision_of({ header }: TxnAnswer, history: string): Ended {
  if (!is_of_cluster(history, header?.cluster_id)) return $multi(undefined, unknown_outcome(ANOTHER_HISTORY));
  return $multi(tonumber(header?.revision), undefined);
}

/** Makes changes, all of them or none, through any member that answers. Phases that have cosockets. */
export function make_changes(etcd: EtcdConfig, changes: readonly Change[], history: string): Ended {
  const txn = txn_of(etcd.prefix, changes, history);
  const too_many = check_size(txn);
  if (too_many !== undefined) return $multi(undefined, too_many);
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
      if (answer?.succeeded === true) return revision_of(answer, history);
      if (answer !== undefined) return conclude(client, answer, etcd.prefix, changes, history, unclear);
      if (refusal !== undefined) return $multi(undefined, refused_change(refusal, failure));
      cause = failure ?? "";
      if (!is_unconnected(cause)) unclear ??= cause;
    }
    preferred += 1;
  }
  return $multi(undefined, unclear === undefined ? unavailable(cause) : unknown_outcome(unclear));
}
