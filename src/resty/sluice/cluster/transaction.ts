import type { Problem } from "../config/problem";
import type { EtcdConfig } from "../config/sources/etcd";
import * as clock from "../lib/clock";
import { unexpected, type Schema } from "../lib/schema";
import { call, ETCD, new_etcd_client, log_in, type EtcdClient, type Refusal } from "../net/etcd/client";
import { is_unconnected } from "../net/connection";
import { HEADER, KEY_VALUE, read_key_value, type RawKeyValue } from "../net/etcd/keys";
import { LOST } from "../store/problems";
import { find_fate, type KeyChange } from "./fate";
import { refused_change, unavailable, unknown_outcome } from "./refusals";

/** One key of etcd's is put or deleted if it still is what it was: the way of a change to the other gateways. */

/** etcd's revision after the change, or undefined and the problem; `LOST` when another change came before. */
type Ended = LuaMultiReturn<[number | undefined, Problem | undefined]>;

interface TxnAnswer {
  header?: { revision?: string };
  succeeded?: boolean;
  responses?: { response_range?: { kvs?: RawKeyValue[] } }[];
}

const TXN: Schema = {
  members: {
    header: HEADER,
    succeeded: "boolean",
    responses: { items: { members: { response_range: { members: { kvs: { items: KEY_VALUE } } } } } },
  },
};

/** Other writers wait meanwhile. */
const PATIENCE_SECONDS = 4;

/** Of the member that answered last. */
let preferred = 0;
const clients = new LuaTable<number, EtcdClient>();

function digits(revision: number): string {
  return string.format("%d", revision);
}

function body_of({ key, value, from }: KeyChange): object {
  const key64 = ngx.encode_base64(key);
  const put = { request_put: { key: key64, value: ngx.encode_base64(value ?? "") } };
  return {
    compare: [{ key: key64, target: "MOD", result: "EQUAL", mod_revision: digits(from) }],
    success: [value === undefined ? { request_delete_range: { key: key64 } } : put],
    failure: [{ request_range: { key: key64 } }],
  };
}

/**
 * The client of a member. Its connections are never used twice: a request that may have been answered must not be sent
 * again.
 */
function client_of(etcd: EtcdConfig, attempt: number): EtcdClient {
  const member = attempt % etcd.endpoints.length;
  let client = clients.get(member) as EtcdClient | undefined;
  if (client === undefined) {
    client = new_etcd_client(etcd, member, "transaction", () => false);
    client.service.destination.keepalive_time = 0;
    clients.set(member, client);
  }
  return client;
}

/** The client of the member that answered last, with a token if it needs one. Returns it, or undefined and the cause. */
export function preferred_client(
  etcd: EtcdConfig,
): LuaMultiReturn<[EtcdClient | undefined, string | undefined]> {
  const client = client_of(etcd, preferred);
  if (client.token === undefined) {
    const [logged_in, refused] = log_in(client);
    if (logged_in === undefined) return $multi(undefined, refused);
  }
  return $multi(client, undefined);
}

function ask(
  client: EtcdClient,
  change: KeyChange,
): LuaMultiReturn<[TxnAnswer | undefined, string | undefined, Refusal | undefined]> {
  const [answer, cause, refusal] = call<TxnAnswer>(client, "/v3/kv/txn", body_of(change), TXN);
  // etcd may have refused it for a reason of its own.
  if (answer === undefined) client.token = undefined;
  if (answer?.succeeded === true && answer.header?.revision === undefined)
    return $multi(undefined, unexpected(ETCD, 'there is no "header.revision"'), undefined);
  return $multi(answer, cause, refusal);
}

/** Tells what became of a change whose compare has failed. `unclear`: why an earlier attempt had no answer. */
function conclude(
  client: EtcdClient,
  answer: TxnAnswer,
  change: KeyChange,
  unclear: string | undefined,
): Ended {
  const [raw] = answer.responses?.[0]?.response_range?.kvs ?? [];
  const newest = raw === undefined ? undefined : read_key_value(raw);
  if (newest !== undefined && newest.value === change.value) return $multi(newest.revision, undefined);
  if (unclear === undefined) return $multi(undefined, LOST);
  // The key is gone, as it was to be.
  if (newest === undefined && change.value === undefined)
    return $multi(tonumber(answer.header?.revision), undefined);
  const [fate, revision] = find_fate(client, change, newest);
  if (fate === "made") return $multi(revision, undefined);
  return $multi(undefined, fate === "not made" ? LOST : unknown_outcome(unclear));
}

/** Makes a change, by whichever member answers. Phases that have cosockets. */
export function change_key(etcd: EtcdConfig, change: KeyChange): Ended {
  let cause = "";
  let unclear: string | undefined;
  const deadline = clock.now() + PATIENCE_SECONDS;
  for (const _ of $range(0, etcd.endpoints.length)) {
    if (clock.now() > deadline) break;
    const [client, refused] = preferred_client(etcd);
    if (client === undefined) {
      cause = refused ?? "";
    } else {
      const [answer, failure, refusal] = ask(client, change);
      if (answer?.succeeded === true) return $multi(tonumber(answer.header?.revision), undefined);
      if (answer !== undefined) return conclude(client, answer, change, unclear);
      if (refusal !== undefined) return $multi(undefined, refused_change(refusal, failure));
      cause = failure ?? "";
      if (!is_unconnected(cause)) unclear ??= cause;
    }
    preferred += 1;
  }
  return $multi(undefined, unclear === undefined ? unavailable(cause) : unknown_outcome(unclear));
}
