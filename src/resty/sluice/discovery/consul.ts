import type { ConsulConfig } from "../config/sources/consul";
import { encode } from "../lib/json";
import { decode_as, type Schema } from "../lib/schema";
import type { Answer } from "../net/request";
import { describe } from "../net/stream";
import { CONSUL, follow_query } from "./blocking_query";
import { entry_at } from "./entry";
import type { Entry, Feed, Source } from "./source";
import { config_of, only_subscription } from "./subscription";

/** Consul's catalog: the instances of a service that pass all their checks. */

/** An instance as the health endpoint shows it. */
interface Instance {
  Node?: { Node?: string; Address?: string };
  Service?: { ID?: string; Address?: string; Port?: number; Weights?: { Passing?: number } };
}

const INSTANCES: Schema = {
  items: {
    members: {
      Node: { members: { Node: "string", Address: "string" } },
      Service: {
        members: {
          ID: "string",
          Address: "string",
          Port: "number",
          Weights: { members: { Passing: "number" } },
        },
      },
    },
  },
};

/** Reads an instance: one that has no address of its own has its node's. */
function read_instance({ Node: node, Service: service }: Instance): Entry {
  const key = `${node?.Node ?? ""}/${service?.ID ?? ""}`;
  const own = service?.Address ?? "";
  const weight = service?.Weights?.Passing ?? 0;
  // 0 is a weight in Consul, and none in nginx.
  return entry_at(key, own === "" ? node?.Address : own, service?.Port, {
    weight: weight === 0 ? 1 : weight,
  });
}

function read_instances(
  this: void,
  { status, body }: Answer,
): LuaMultiReturn<[Entry[] | undefined, string | undefined]> {
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [instances, misfit] = decode_as<Instance[]>(CONSUL, body, INSTANCES);
  if (instances === undefined) return $multi(undefined, misfit);
  const entries: Entry[] = [];
  for (const instance of instances) entries.push(read_instance(instance));
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
