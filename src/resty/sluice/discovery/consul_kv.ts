import type { ConsulKvConfig } from "../config/sources/consul";
import { folder_of } from "../config/texts";
import { encode } from "../lib/json";
import { decode_as, type Schema } from "../lib/schema";
import type { Answer } from "../net/request";
import { describe } from "../net/stream";
import { CONSUL, follow_query, index_of } from "./blocking_query";
import { read_entry } from "./entry";
import type { Entry, Feed, Source } from "./source";
import { config_of, only_subscription } from "./subscription";

/** Consul's KV store: a prefix an upstream, a key a server, as nginx-upsync-module has it. */

type ReadEntries = LuaMultiReturn<[Entry[] | undefined, string | undefined]>;

/** A key. Its value is base64, and null when it is empty. */
interface Pair {
  Key?: string;
  Value?: string;
}

const PAIRS: Schema = { items: { members: { Key: "string", Value: "string" } } };

function read_pairs(this: void, answer: Answer): ReadEntries {
  const { status, body } = answer;
  // That is how Consul says that there is no key; others that answer so know nothing of an index.
  if (status === 404 && index_of(answer) > 0) return $multi([], undefined);
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [all, misfit] = decode_as<Pair[]>(CONSUL, body, PAIRS);
  if (all === undefined) return $multi(undefined, misfit);
  const entries: Entry[] = [];
  for (const { Key: key = "", Value: value = "" } of all) {
    // Consul's own pages make a key for each folder.
    if (string.sub(key, -1) !== "/") entries.push(read_entry(key, ngx.decode_base64(value) ?? ""));
  }
  return $multi(entries, undefined);
}

function follow(this: void, feed: Feed): string | undefined {
  const subscription = only_subscription(feed);
  const place = config_of<ConsulKvConfig>(subscription);
  const [path] = string.gsub(ngx.escape_uri(folder_of(place.prefix)), "%%2F", "/");
  return follow_query(feed, subscription, { place, uri: `/v1/kv/${path}?recurse=true`, read: read_pairs });
}

export const consul_kv: Source = {
  key_of: (name, config) => `consul_kv ${name} ${encode(config)}`,
  follow,
};
