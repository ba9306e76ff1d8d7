import type { ConsulConfig } from "../config/sources/consul";
import { zone_in_metadata } from "../config/server";
import type { Result } from "../lib/result";
import { decode_as, type Schema } from "../lib/schema";
import type { Answer } from "../net/request";
import { describe } from "../net/stream";
import { CONSUL, query_session, type ServersQuestion } from "./blocking_query";
import { entry_at } from "./entry";
import { source_per_upstream } from "./session";
import type { Entry, Source } from "./source";

/** Consul's catalog: the instances of a service that pass all their checks, or are in maintenance. */

interface Instance {
  Node?: { Node?: string; Address?: string; Datacenter?: string; Meta?: Record<string, string> };
  Service?: {
    ID?: string;
    Address?: string;
    Port?: number;
    Meta?: Record<string, string>;
    Weights?: { Passing?: number };
  };
  Checks?: Check[];
}

interface Check {
  CheckID?: string;
  Status?: string;
}

const META: Schema = { values: "string" };
const INSTANCES: Schema = {
  items: {
    members: {
      Node: { members: { Node: "string", Address: "string", Datacenter: "string", Meta: META } },
      Service: {
        members: {
          ID: "string",
          Address: "string",
          Port: "number",
          Meta: META,
          Weights: { members: { Passing: "number" } },
        },
      },
      Checks: { items: { members: { CheckID: "string", Status: "string" } } },
    },
  },
};

/** The checks that Consul adds to a node, and to an instance, in maintenance mode. */
const NODE_MAINTENANCE = "_node_maintenance";
const SERVICE_MAINTENANCE = "_service_maintenance:";

function is_maintenance({ CheckID: id = "" }: Check): boolean {
  return id === NODE_MAINTENANCE || string.sub(id, 1, SERVICE_MAINTENANCE.length) === SERVICE_MAINTENANCE;
}

function zone_of({ Node: node, Service: service }: Instance, key: string): string {
  return zone_in_metadata(service?.Meta?.[key] ?? node?.Meta?.[key] ?? node?.Datacenter);
}

/** Reads an instance. An instance without an address of its own has the address of its node. */
function read_instance(instance: Instance, down: boolean, zone_meta: string): Entry {
  const { Node: node, Service: service } = instance;
  const key = `${node?.Node ?? ""}/${service?.ID ?? ""}`;
  const own = service?.Address ?? "";
  const weight = service?.Weights?.Passing ?? 0;
  return entry_at(key, own === "" ? node?.Address : own, service?.Port, {
    // A weight of 0 is valid in Consul, but not in nginx.
    weight: weight === 0 ? 1 : weight,
    zone: zone_of(instance, zone_meta),
    down,
  });
}

function read_instances({ status, body }: Answer, zone_meta: string): Result<Entry[]> {
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [instances, misfit] = decode_as<Instance[]>(CONSUL, body, INSTANCES);
  if (instances === undefined) return $multi(undefined, misfit);
  const entries: Entry[] = [];
  for (const instance of instances) {
    const { Checks: checks = [] } = instance;
    const is_down = checks.some((check) => is_maintenance(check));
    if (is_down || checks.every(({ Status: its_status }) => its_status === "passing"))
      entries.push(read_instance(instance, is_down, zone_meta));
  }
  return $multi(entries, undefined);
}

/** What determines the instances of a service. */
export type Asked = Pick<ConsulConfig, "service" | "tags" | "filter" | "zone_meta">;

/** Returns the arguments of the query. With `passing` the answer would not have those in maintenance. */
function args_of({ tags, filter }: Asked): string[] {
  const args: string[] = [];
  for (const tag of tags ?? []) args.push(`tag=${ngx.escape_uri(tag)}`);
  if (filter !== undefined) args.push(`filter=${ngx.escape_uri(filter)}`);
  return args;
}

/** Returns the question for the instances of a service. */
export function instances_of(asked: Asked): ServersQuestion {
  return {
    path: `/v1/health/service/${ngx.escape_uri(asked.service)}`,
    args: args_of(asked),
    read: (got) => read_instances(got, asked.zone_meta ?? "zone"),
  };
}

/** Follows the instances of a service. */
export const consul: Source = source_per_upstream<ConsulConfig>("consul", (subscription, config) =>
  query_session(subscription, { consul: config, ...instances_of(config) }),
);
