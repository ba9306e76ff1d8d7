import type { ConsulKvConfig } from "../config/sources/consul";
import { as_list, as_object, decode, encode, is_table } from "../lib/json";
import type { Answer } from "../net/request";
import { describe } from "../net/stream";
import { follow_query, index_of } from "./blocking_query";
import { read_entry } from "./entry";
import type { Entry, Feed, Source } from "./source";
import { config_of, only_subscription } from "./subscription";

/** Consul's KV store: a prefix an upstream, a key a server, as nginx-upsync-module has it. */

type ReadEntries = LuaMultiReturn<[Entry[] | undefined, string | undefined]>;

/** Values are base64, and null when they are empty. */
function text_of(value: unknown): string {
  return typeof value === "string" ? (ngx.decode_base64(value) ?? "") : "";
}

function read_pairs(this: void, answer: Answer): ReadEntries {
  const { status, body } = answer;
  // That is how Consul says that there is no key; others that answer so know nothing of an index.
  if (status === 404 && index_of(answer) > 0) return $multi([], undefined);
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [all, cause] = decode(body);
  if (!is_table(all)) return $multi(undefined, `the answer is not JSON: ${cause ?? ""}`);
  const entries: Entry[] = [];
  for (const pair of as_list(all)) {
    const { Key, Value } = as_object(pair);
    const key = tostring(Key);
    // Consul's own pages make a key for each folder.
    if (string.sub(key, -1) !== "/") entries.push(read_entry(key, text_of(Value)));
  }
  return $multi(entries, undefined);
}

function follow(this: void, feed: Feed): string | undefined {
  const subscription = only_subscription(feed);
  const place = config_of<ConsulKvConfig>(subscription);
  const [path] = string.gsub(ngx.escape_uri(place.prefix), "%%2F", "/");
  return follow_query(feed, subscription, { place, uri: `/v1/kv/${path}?recurse=true`, read: read_pairs });
}

export const consul_kv: Source = {
  key_of: (name, config) => `consul_kv ${name} ${encode(config)}`,
  follow,
};
