import { ADAPTIVE_LIMIT } from "./adaptive_limit";
import { QUEUE, RETRIES } from "./admission";
import { AUTOSCALE } from "./autoscale";
import { BALANCING, check_method } from "./balancing";
import { block, copy_of, optional, read_change, type ConfigOf } from "./block";
import { DISCOVERY } from "./discovery";
import { HEALTH_CHECK } from "./health_check";
import { LOAD } from "./load";
import { OUTLIER_DETECTION } from "./outlier";
import { read_owner } from "./owner";
import { invalid_value, type Problem } from "./problem";
import type { Read } from "./reader";
import { RESOLVER } from "./resolver";
import { check_split, SPLIT } from "./split";
import { whole_from } from "./values";
import { ZONES } from "./zones";

/** All options of an upstream except its servers. */
export const SETTINGS = block({
  ...BALANCING.options,
  /** Prefers servers in the zone of the gateway. Default: none, zones do not matter. */
  zones: optional(ZONES),
  /** Active health checks. Default: none. */
  health_check: optional(HEALTH_CHECK),
  /** Ejects servers because of their responses. Default: none. */
  outlier_detection: optional(OUTLIER_DETECTION),
  /**
   * When fewer percent of the servers are available, requests go to all servers regardless of health.
   * Default: 0.
   */
  panic_threshold: optional(whole_from(0, 100)),
  /** When a request that failed at a server is sent to another. Default: once to each server, at most 10. */
  retries: optional(RETRIES),
  /** Where requests wait while every server has `max_conns` requests. Default: none. */
  queue: optional(QUEUE),
  /**
   * Bounds of the limits of servers with `max_conns` `"adaptive"`. Default: 1 to 1000, with a tolerance of
   * 1.5.
   */
  adaptive_limit: optional(ADAPTIVE_LIMIT),
  /**
   * Lets weights follow the loads of the servers; not with the methods `hash` and `ip_hash`. Default: none.
   */
  load: optional(LOAD),
  /** Brings standby servers into service and releases them. Default: none. */
  autoscale: optional(AUTOSCALE),
  /** The registry that supplies servers. Default: none. */
  discovery: optional(DISCOVERY),
  /** The DNS servers for host names. Default: those of `setup`, else of `/etc/resolv.conf`. */
  resolver: optional(RESOLVER),
  /** Other upstreams that share the requests, instead of servers. Default: none. */
  split: optional(SPLIT),
  /**
   * Who manages the upstream, such as a team. A change with `prune` deletes only upstreams of the same
   * owner. Default: none.
   */
  owner: optional(read_owner),
});
export type UpstreamSettings = ConfigOf<typeof SETTINGS>;

/**
 * Copies an upstream's settings, and nothing else, so that equal settings have equal JSON texts. Any phase.
 */
export function settings_of(from: UpstreamSettings): UpstreamSettings {
  return copy_of(SETTINGS, from);
}

function check_load({ load, method }: UpstreamSettings): Problem | undefined {
  const assigns_by_key = method === "hash" || method === "ip_hash";
  if (load === undefined || !assigns_by_key) return undefined;
  return invalid_value(
    "load",
    `cannot be combined with the method "${method}", which assigns requests by key`,
  );
}

function check_degrade({ outlier_detection, method, hash }: UpstreamSettings): Problem | undefined {
  const moves_all_keys = method === "ip_hash" || (method === "hash" && hash?.consistent !== true);
  if (outlier_detection?.mode !== "degrade" || !moves_all_keys) return undefined;
  return invalid_value(
    "outlier_detection.mode",
    `"degrade" cannot be combined with the method "${method}", in which each change of a weight moves most keys; ` +
      'use "hash" with "consistent", or the mode "eject" or "detect"',
  );
}

/**
 * Reads an upstream's settings, with defaults, or on top of `base` for a change: a block that is given
 * replaces the one before as a whole, JSON's null removes it, and the parameters of a method do not outlive
 * it. Any phase.
 *
 * @param input an object; members that are not in `SETTINGS` are left to the caller
 * @returns the settings, or undefined and the problem
 */
export function read_settings(
  input: Record<string, unknown>,
  base?: UpstreamSettings,
): Read<UpstreamSettings> {
  const [settings, invalid] = read_change(SETTINGS, input, base);
  if (settings === undefined) return $multi(undefined, invalid);
  const problem =
    check_method(settings, input) ??
    check_load(settings) ??
    check_degrade(settings) ??
    check_split(SETTINGS, settings);
  return $multi(problem === undefined ? settings : undefined, problem);
}
