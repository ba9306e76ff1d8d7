import type { BalancingConfig, MethodName } from "../config/balancing";
import { LEAST_LOAD, type LeastLoadConfig } from "../config/least_load";
import { with_bound } from "./bounded";
import { new_consistent_hash } from "./consistent_hash";
import { connection_cost, type Cost } from "./cost";
import { new_hash } from "./hash";
import { new_ip_hash } from "./ip_hash";
import { new_least } from "./least";
import { new_least_load } from "./least_load";
import type { Method, Surroundings } from "./method";
import { new_random } from "./random";
import { new_round_robin } from "./round_robin";
import { time_cost } from "./time_cost";
import { with_zones, type ZoneMethod } from "./zones";

type NewMethod = (this: void, config: BalancingConfig, surroundings: Surroundings) => Method;

const DEFAULT_LOAD = LEAST_LOAD.read("least_load", {})[0] as LeastLoadConfig;

function random_cost({ random }: BalancingConfig, surroundings: Surroundings): Cost | undefined {
  if (random?.two === "least_conn") return connection_cost(surroundings);
  if (random?.two === "least_time") return time_cost(surroundings, false);
  return undefined;
}

const METHODS: Record<MethodName, NewMethod> = {
  round_robin: (_config, surroundings) => new_round_robin(surroundings),
  least_conn: (_config, surroundings) => new_least(surroundings, connection_cost(surroundings)),
  least_time: ({ least_time }, surroundings) =>
    new_least(surroundings, time_cost(surroundings, least_time?.inflight === true)),
  least_load: ({ least_load }, surroundings) => new_least_load(surroundings, least_load ?? DEFAULT_LOAD),
  random: (config, surroundings) => new_random(surroundings, random_cost(config, surroundings)),
  hash: ({ hash }, surroundings) => {
    if (hash?.consistent !== true) return new_hash(surroundings);
    const consistent = new_consistent_hash(surroundings);
    const { balance_factor, balance_slack = 0 } = hash;
    if (balance_factor === undefined) return consistent;
    return with_bound(surroundings, { balance_factor, balance_slack }, consistent);
  },
  ip_hash: (_config, surroundings) => new_ip_hash(surroundings),
};

/** Makes the method of a configuration that prefers local peers, without peers. Any phase. */
export function new_zone_method(
  config: BalancingConfig,
  min_servers: number,
  surroundings: Surroundings,
): ZoneMethod {
  const is_keyed = config.method === "hash" || config.method === "ip_hash";
  const make = METHODS[config.method];
  return with_zones({ surroundings, min_servers, is_keyed, make: (inner) => make(config, inner) });
}

/** Makes the method of a configuration, without peers. Any phase. */
export function new_method(config: BalancingConfig, surroundings: Surroundings): Method {
  return METHODS[config.method](config, surroundings);
}
