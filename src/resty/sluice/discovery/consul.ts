import type { ConsulConfig } from "../config/sources/consul";
import { as_list, as_object, decode, encode, is_table } from "../lib/json";
import type { Answer } from "../net/request";
import { describe } from "../net/stream";
import { follow_query } from "./blocking_query";
import { address_at, entry_of } from "./entry";
import type { Entry, Feed, Source } from "./source";
import { config_of, only_subscription } from "./subscription";

/** Consul's catalog: the instances of a service that pass all their checks. */

/** Reads an instance as the health endpoint shows it: one that has no address of its own has its node's. */
function read_instance(instance: Record<string, unknown>): Entry {
  const node = as_object(instance.Node);
  const service = as_object(instance.Service);
  const key = `${tostring(node.Node)}/${tostring(service.ID)}`;
  const host = service.Address === undefined || service.Address === "" ? node.Address : service.Address;
  const weight = as_object(service.Weights).Passing ?? 0;
  // 0 is a weight in Consul, and none in nginx.
  return entry_of(key, { server: address_at(host, service.Port), weight: weight === 0 ? 1 : weight });
}

function read_instances(
  this: void,
  { status, body }: Answer,
): LuaMultiReturn<[Entry[] | undefined, string | undefined]> {
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [instances, cause] = decode(body);
  if (!is_table(instances)) return $multi(undefined, `the answer is not JSON: ${cause ?? ""}`);
  const entries: Entry[] = [];
  for (const instance of as_list(instances)) entries.push(read_instance(as_object(instance)));
  return $multi(entries, undefined);
}

function uri_of({ service, tags }: ConsulConfig): string {
  const parts = [`/v1/health/service/${ngx.escape_uri(service)}?passing=1`];
  for (const tag of tags ?? []) parts.push(`tag=${ngx.escape_uri(tag)}`);
  return table.concat(parts, "&");
}

function follow(this: void, feed: Feed): string | undefined {
  const subscription = only_subscription(feed);
  const place = config_of<ConsulConfig>(subscription);
  return follow_query(feed, subscription, { place, uri: uri_of(place), read: read_instances });
}

export const consul: Source = {
  key_of: (name, config) => `consul ${name} ${encode(config)}`,
  follow,
};
