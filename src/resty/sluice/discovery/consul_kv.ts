import type { ConsulKvConfig } from "../config/sources/consul";
import { folder_of } from "../config/texts";
import type { Result } from "../lib/result";
import { decode_as, type Schema } from "../lib/schema";
import type { Answer } from "../net/request";
import { describe } from "../net/stream";
import { CONSUL, index_of, query_session } from "./blocking_query";
import { read_entry } from "./entry";
import { source_per_upstream } from "./session";
import type { Entry, Source } from "./source";

/** Consul's KV store: each key below the upstream's prefix is a server, as with nginx-upsync-module. */

/** A key and its value in base64, which is null when it is empty. */
interface Pair {
  Key?: string;
  Value?: string;
}

const PAIRS: Schema = { items: { members: { Key: "string", Value: "string" } } };

function read_pairs(this: void, answer: Answer): Result<Entry[]> {
  const { status, body } = answer;
  // Consul answers 404 when there is no key. Other servers that answer 404 send no index.
  if (status === 404 && index_of(answer) > 0) return $multi([], undefined);
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [all, misfit] = decode_as<Pair[]>(CONSUL, body, PAIRS);
  if (all === undefined) return $multi(undefined, misfit);
  const entries: Entry[] = [];
  for (const { Key: key = "", Value: value = "" } of all) {
    // The web pages of Consul create a key for each folder.
    if (string.sub(key, -1) !== "/") entries.push(read_entry(key, ngx.decode_base64(value) ?? ""));
  }
  return $multi(entries, undefined);
}

/** Follows the keys below a prefix. */
export const consul_kv: Source = source_per_upstream<ConsulKvConfig>("consul_kv", (subscription, config) => {
  const [path] = string.gsub(ngx.escape_uri(folder_of(config.prefix)), "%%2F", "/");
  const query = { consul: config, path: `/v1/kv/${path}`, args: ["recurse=true"], read: read_pairs };
  return query_session(subscription, query);
});
