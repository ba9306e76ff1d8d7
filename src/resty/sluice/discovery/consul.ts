import type { ConsulConfig } from "../config/sources/consul";
import type { Result } from "../lib/result";
import { decode_as, type Schema } from "../lib/schema";
import type { Answer } from "../net/request";
import { describe } from "../net/stream";
import { CONSUL, query_session } from "./blocking_query";
import { entry_at } from "./entry";
import { source_per_upstream } from "./session";
import type { Entry, Source } from "./source";

/** Consul's catalog: the instances of a service that pass all their checks. */

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

/** Reads an instance. An instance without an address of its own has the address of its node. */
function read_instance({ Node: node, Service: service }: Instance): Entry {
  const key = `${node?.Node ?? ""}/${service?.ID ?? ""}`;
  const own = service?.Address ?? "";
  const weight = service?.Weights?.Passing ?? 0;
  // A weight of 0 is valid in Consul, but not in nginx.
  return entry_at(key, own === "" ? node?.Address : own, service?.Port, {
    weight: weight === 0 ? 1 : weight,
  });
}

/** Reads an answer of `uri_of_service`. Returns its entries, or undefined and the cause of a failure. */
export function read_instances(this: void, { status, body }: Answer): Result<Entry[]> {
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [instances, misfit] = decode_as<Instance[]>(CONSUL, body, INSTANCES);
  if (instances === undefined) return $multi(undefined, misfit);
  return $multi(
    instances.map((instance) => read_instance(instance)),
    undefined,
  );
}

/** Returns the question for the passing instances of a service. */
export function uri_of_service({ service, tags }: Pick<ConsulConfig, "service" | "tags">): string {
  const parts = [`/v1/health/service/${ngx.escape_uri(service)}?passing=1`];
  for (const tag of tags ?? []) parts.push(`tag=${ngx.escape_uri(tag)}`);
  return table.concat(parts, "&");
}

/** Follows the instances of a service. */
export const consul: Source = source_per_upstream<ConsulConfig>("consul", (subscription, config) =>
  query_session(subscription, { consul: config, uri: uri_of_service(config), read: read_instances }),
);
