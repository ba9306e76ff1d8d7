import { call, TOO_LARGE, type EtcdClient } from "./client";
import { end_of_prefix, type Range } from "./prefix";

/** Keys of etcd, and what stands in them. */

/** A key as etcd has it. */
export interface KeyValue {
  key: string;
  value: string;
  /** etcd's revision of its last change. */
  revision: number;
}

/** All keys below a prefix at one revision of etcd's. */
export interface Listing {
  keys: KeyValue[];
  revision: number;
}

interface RawKeyValue {
  key?: string;
  value?: string;
  mod_revision?: string;
}

interface RawAnswer {
  header?: { revision?: string };
  kvs?: RawKeyValue[];
  more?: boolean;
}

const KEYS_A_PAGE = 500;
/** A page of keys that are too large is followed by one of so many times fewer. */
const FEWER = 10;

/** The members of a request that name some keys. */
export function keys_of({ first, end }: Range): { key: string; range_end: string } {
  return { key: ngx.encode_base64(first), range_end: ngx.encode_base64(end) };
}

/** Reads a key as the gateway writes it: what is empty is left out, and numbers are texts. */
export function read_key_value(raw: RawKeyValue): KeyValue {
  return {
    key: ngx.decode_base64(raw.key ?? "") ?? "",
    value: ngx.decode_base64(raw.value ?? "") ?? "",
    revision: tonumber(raw.mod_revision) ?? 0,
  };
}

/** Asks for the next keys: for fewer while they are too large. Returns them, or undefined and the cause. */
function next_page(
  client: EtcdClient,
  body: { limit: number },
): LuaMultiReturn<[RawAnswer | undefined, string | undefined]> {
  let [answer, cause] = call(client, "/v3/kv/range", body);
  while (answer === undefined && cause === TOO_LARGE && body.limit > 1) {
    body.limit = math.ceil(body.limit / FEWER);
    [answer, cause] = call(client, "/v3/kv/range", body);
  }
  return $multi(answer as RawAnswer | undefined, cause);
}

/** Lists the keys below a prefix, page by page. Returns them, or undefined and the cause. Phases that have cosockets. */
export function list_keys(
  client: EtcdClient,
  prefix: string,
): LuaMultiReturn<[Listing | undefined, string | undefined]> {
  const { key, range_end } = keys_of({ first: prefix, end: end_of_prefix(prefix) });
  const listing: Listing = { keys: [], revision: 0 };
  const body = { key, range_end, limit: KEYS_A_PAGE, revision: "0" };
  let has_more = true;
  while (has_more) {
    const [answer, cause] = next_page(client, body);
    if (answer === undefined) return $multi(undefined, cause);
    if (listing.revision === 0) listing.revision = tonumber(answer.header?.revision) ?? 0;
    for (const raw of answer.kvs ?? []) listing.keys.push(read_key_value(raw));
    const last = listing.keys[listing.keys.length - 1] as KeyValue | undefined;
    has_more = answer.more === true && last !== undefined;
    if (last !== undefined) body.key = ngx.encode_base64(`${last.key}\0`);
    body.revision = string.format("%d", listing.revision);
  }
  return $multi(listing, undefined);
}

/**
 * Asks whether the member still has the others, and answers: by a key that the user may read. Returns true, or undefined
 * and the cause.
 */
export function is_alive(
  client: EtcdClient,
  key: string,
): LuaMultiReturn<[true | undefined, string | undefined]> {
  // Linearizable, so that a member that is cut off from the others does not pass for a good one.
  const [answer, cause] = call(client, "/v3/kv/range", { key: ngx.encode_base64(key), count_only: true });
  return $multi(answer === undefined ? undefined : true, cause);
}
