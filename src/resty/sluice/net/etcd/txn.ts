import type { Schema } from "../../lib/schema";
import { call, type EtcdClient, type Refusal } from "./client";
import { HEADER, KEY_VALUE, read_key_value, type KeyValue, type RawKeyValue } from "./keys";

/** Transactions of etcd: operations that are carried out together if some keys meet conditions. */

/** The answer to a transaction, with a response for each operation. */
export interface TxnAnswer {
  header?: { revision?: string; cluster_id?: string };
  succeeded?: boolean;
  responses?: { response_range?: { kvs?: RawKeyValue[] } }[];
}

export interface Txn {
  compare: object[];
  success: object[];
  /** The operations if a condition is not met. */
  failure?: object[];
}

const TXN: Schema = {
  members: {
    header: HEADER,
    succeeded: "boolean",
    responses: { items: { members: { response_range: { members: { kvs: { items: KEY_VALUE } } } } } },
  },
};

/** Returns the condition that a key was last changed at a revision; 0: that the key does not exist. */
export function is_at(key: string, revision: number): object {
  const mod_revision = string.format("%d", revision);
  return { key: ngx.encode_base64(key), target: "MOD", result: "EQUAL", mod_revision };
}

/** Returns the condition that a key has a value. */
export function has_value(key: string, value: string): object {
  return { key: ngx.encode_base64(key), target: "VALUE", result: "EQUAL", value: ngx.encode_base64(value) };
}

export function put(key: string, value: string): object {
  return { request_put: { key: ngx.encode_base64(key), value: ngx.encode_base64(value) } };
}

export function remove(key: string): object {
  return { request_delete_range: { key: ngx.encode_base64(key) } };
}

export function get(key: string): object {
  return { request_range: { key: ngx.encode_base64(key) } };
}

/** Returns the key that a `get` has read, by its index; undefined: there is no such key. */
export function key_in({ responses }: TxnAnswer, index: number): KeyValue | undefined {
  const [raw] = responses?.[index]?.response_range?.kvs ?? [];
  return raw === undefined ? undefined : read_key_value(raw);
}

/** Carries out a transaction as `call` does. Phases that have cosockets. */
export function call_txn(
  client: EtcdClient,
  txn: Txn,
): LuaMultiReturn<[TxnAnswer | undefined, string | undefined, Refusal | undefined]> {
  return call<TxnAnswer>(client, "/v3/kv/txn", txn, TXN);
}
