import type { Result } from "../../lib/result";
import { unexpected, type Schema } from "../../lib/schema";
import { is_timeout } from "../connection";
import { call, ETCD, LONGEST_PAGE_SECONDS, TOO_LARGE, type EtcdClient } from "./client";
import { end_of_prefix, type Range } from "./prefix";

/** Reads the keys of etcd and their values. */

export interface KeyValue {
  key: string;
  value: string;
  /** The revision of the last change. */
  revision: number;
}

/** All keys below a prefix at one revision of etcd. */
export interface Listing {
  keys: KeyValue[];
  revision: number;
  /** The identity of etcd's cluster. */
  cluster_id: string;
}

/** A key in the JSON of etcd's gateway, which omits empty members. */
export interface RawKeyValue {
  key?: string;
  value?: string;
  mod_revision?: string;
}

export const KEY_VALUE: Schema = { members: { key: "string", value: "string", mod_revision: "digits" } };
export const HEADER: Schema = { members: { revision: "digits", cluster_id: "digits" } };

interface RawAnswer {
  header?: { revision?: string; cluster_id?: string };
  kvs?: RawKeyValue[];
  more?: boolean;
}

const RANGE: Schema = { members: { header: HEADER, kvs: { items: KEY_VALUE }, more: "boolean" } };

const KEYS_A_PAGE = 500;
/** Divisor of the number of keys on a page after a page was too large. */
const FEWER = 10;

/** Returns the members of a request that select a range of keys. */
export function keys_of({ first, end }: Range): { key: string; range_end: string } {
  return { key: ngx.encode_base64(first), range_end: ngx.encode_base64(end) };
}

/** Reads a key that matches `KEY_VALUE`. A text that is not base64 counts as empty. */
export function read_key_value(raw: RawKeyValue): KeyValue {
  return {
    key: ngx.decode_base64(raw.key ?? "") ?? "",
    value: ngx.decode_base64(raw.value ?? "") ?? "",
    revision: tonumber(raw.mod_revision) ?? 0,
  };
}

function ask_for_page(client: EtcdClient, body: object): Result<RawAnswer> {
  const [answer, cause] = call<RawAnswer>(client, "/v3/kv/range", body, RANGE, LONGEST_PAGE_SECONDS);
  return $multi(answer, cause);
}

/** Returns whether a page has failed for its size: it is too large, or takes the member too long. */
function is_page_too_large(client: EtcdClient, cause: string, prefix: string): boolean {
  return cause === TOO_LARGE || (is_timeout(cause) && is_alive(client, prefix)[0] === true);
}

/** Requests the next page, or a smaller one while it is too large. */
function next_page(client: EtcdClient, body: { limit: number }, prefix: string): Result<RawAnswer> {
  let [answer, cause] = ask_for_page(client, body);
  while (answer === undefined && body.limit > 1 && is_page_too_large(client, cause ?? "", prefix)) {
    body.limit = math.ceil(body.limit / FEWER);
    [answer, cause] = ask_for_page(client, body);
  }
  return $multi(answer, cause);
}

/** Adds the keys of a page to a listing. Returns the problem if the page cannot be the requested one. */
function add_keys(listing: Listing, page: RawAnswer, prefix: string): string | undefined {
  if (listing.revision === 0) listing.revision = tonumber(page.header?.revision) ?? 0;
  if (listing.revision === 0) return unexpected(ETCD, 'there is no "header.revision"');
  listing.cluster_id = tostring(page.header?.cluster_id ?? "");
  const { keys } = listing;
  let last = keys.length === 0 ? "" : keys[keys.length - 1].key;
  for (const raw of page.kvs ?? []) {
    const entry = read_key_value(raw);
    if (string.sub(entry.key, 1, prefix.length) !== prefix)
      return unexpected(ETCD, "it has a key that does not begin with the prefix");
    // Otherwise the list could be endless.
    if (entry.key <= last) return unexpected(ETCD, "its keys are not in order");
    last = entry.key;
    keys.push(entry);
  }
  return undefined;
}

/** Returns the cause when a prefix has more keys than may be followed. */
export function too_many_keys(most: number): string {
  return `there are more than ${string.format("%d", most)} keys below the prefix`;
}

/** Lists the keys below a prefix; more than `most` are a failure. Phases that have cosockets. */
export function list_keys(client: EtcdClient, prefix: string, most = math.huge): Result<Listing> {
  const { key, range_end } = keys_of({ first: prefix, end: end_of_prefix(prefix) });
  const listing: Listing = { keys: [], revision: 0, cluster_id: "" };
  const body = { key, range_end, limit: KEYS_A_PAGE, revision: "0" };
  let has_more = true;
  while (has_more) {
    const [answer, cause] = next_page(client, body, prefix);
    if (answer === undefined) return $multi(undefined, cause);
    const before = listing.keys.length;
    const misfit = add_keys(listing, answer, prefix);
    if (misfit !== undefined) return $multi(undefined, misfit);
    if (listing.keys.length > most) return $multi(undefined, too_many_keys(most));
    const last = listing.keys[listing.keys.length - 1] as KeyValue | undefined;
    has_more = answer.more === true && listing.keys.length > before;
    if (last !== undefined) body.key = ngx.encode_base64(`${last.key}\0`);
    body.revision = string.format("%d", listing.revision);
  }
  return $multi(listing, undefined);
}

export interface Found {
  /** The key; undefined: there is no such key. */
  entry: KeyValue | undefined;
  /** The latest revision of etcd. */
  revision: number;
}

/** Reads a key, linearizably, at the latest or another revision. Phases that have cosockets. */
export function get_key(client: EtcdClient, key: string, at?: number): Result<Found> {
  const body = { key: ngx.encode_base64(key), revision: string.format("%d", at ?? 0) };
  const [answer, cause] = call<RawAnswer>(client, "/v3/kv/range", body, RANGE);
  if (answer === undefined) return $multi(undefined, cause);
  const revision = tonumber(answer.header?.revision);
  if (revision === undefined) return $multi(undefined, unexpected(ETCD, 'there is no "header.revision"'));
  const [raw] = answer.kvs ?? [];
  return $multi({ entry: raw === undefined ? undefined : read_key_value(raw), revision }, undefined);
}

/** Checks whether the member is connected to a majority. `key`: one that the user may read. */
export function is_alive(client: EtcdClient, key: string): Result<true> {
  // A linearizable read fails on a member that is cut off from the majority.
  const body = { key: ngx.encode_base64(key), count_only: true };
  const [answer, cause] = call<RawAnswer>(client, "/v3/kv/range", body, RANGE);
  return $multi(answer === undefined ? undefined : true, cause);
}
