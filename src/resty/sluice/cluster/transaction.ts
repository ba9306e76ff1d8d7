import type { Problem } from "../config/problem";
import type { EtcdConfig } from "../config/sources/etcd";
import * as clock from "../lib/clock";
import { unexpected, type Schema } from "../lib/schema";
import { call, ETCD, new_etcd_client, log_in, type EtcdClient } from "../net/etcd/client";
import { HEADER, KEY_VALUE, read_key_value, type RawKeyValue } from "../net/etcd/keys";

/** One key of etcd's is put or deleted if it still is what it was: the way of a change to the other gateways. */

/** A change of a key. */
export interface KeyChange {
  key: string;
  /** Undefined: it is to be deleted. */
  value: string | undefined;
  /** etcd's revision of what is there; 0: nothing. */
  from: number;
}

/** How it ended: etcd's revision after it; or undefined, and whether another change came before, or etcd was not there. */
type Ended = LuaMultiReturn<[number | undefined, "lost" | "unavailable", string | undefined]>;

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
 * Whether a change that came too late is one of this gateway's own, of which no answer came: its value is like no other's.
 */
function own_revision(answer: TxnAnswer, { value }: KeyChange, is_repeated: boolean): number | undefined {
  const [first] = answer.responses?.[0]?.response_range?.kvs ?? [];
  if (first === undefined) {
    const is_done = value === undefined && is_repeated;
    return is_done ? tonumber(answer.header?.revision) : undefined;
  }
  const there = read_key_value(first);
  return there.value === value ? there.revision : undefined;
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

function ask(
  etcd: EtcdConfig,
  attempt: number,
  change: KeyChange,
): LuaMultiReturn<[TxnAnswer | undefined, string | undefined]> {
  const client = client_of(etcd, attempt);
  if (client.token === undefined) {
    const [logged_in, refused] = log_in(client);
    if (logged_in === undefined) return $multi(undefined, refused);
  }
  const [answer, cause] = call<TxnAnswer>(client, "/v3/kv/txn", body_of(change), TXN);
  // etcd may have refused it for a reason of its own.
  if (answer === undefined) client.token = undefined;
  if (answer?.succeeded === true && answer.header?.revision === undefined)
    return $multi(undefined, unexpected(ETCD, 'there is no "header.revision"'));
  return $multi(answer, cause);
}

/** Makes a change, by whichever member answers. Phases that have cosockets. */
export function change_key(etcd: EtcdConfig, change: KeyChange): Ended {
  let cause: string | undefined;
  const deadline = clock.now() + PATIENCE_SECONDS;
  for (const attempt of $range(0, etcd.endpoints.length)) {
    if (clock.now() > deadline) break;
    const [answer, failure] = ask(etcd, preferred, change);
    if (answer !== undefined) {
      if (answer.succeeded === true) return $multi(tonumber(answer.header?.revision), "lost", undefined);
      return $multi(own_revision(answer, change, attempt > 0), "lost", undefined);
    }
    cause = failure;
    preferred += 1;
  }
  return $multi(undefined, "unavailable", cause);
}

/** The problem of a change that etcd could not be asked for. */
export function unavailable(cause: string | undefined): Problem {
  return {
    status: 503,
    code: "ClusterUnavailable",
    text: `could not share the change with the other gateways through etcd: ${cause ?? ""}`,
  };
}
