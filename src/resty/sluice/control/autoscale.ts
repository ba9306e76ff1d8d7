import type { AutoscaleConfig } from "../config/autoscale";
import { seconds_of } from "../config/time";
import { iso8601 } from "../lib/iso8601";
import { encode, shape, shaped } from "../lib/json";
import { UpstreamRow } from "../store/cells";
import type { Document } from "../store/document";
import { record_decision } from "../store/events";
import { shared_memory } from "../store/region";
import { set_in_service } from "../store/standby";
import { write } from "../store/write";
import { CALL_SECONDS } from "./calls";
import type { Controlled, ControlledServer } from "./controlled";
import { is_well, takes_part } from "./measure";
import { decide, type Decision, type Direction, type Level, type Tide } from "./water";

/** Brings servers into service and lets them go, as the load of an upstream asks for. */

const INPUTS = shape(["in_service", "well", "known", "utilization", "high", "low", "min", "max"]);
const CALL_BODY = shape(["id", "time", "upstream", "action", "reason", "inputs", "server"]);
const CALLED_SERVER = shape(["id", "server", "node"]);

/** What there is to go by. `expiry`: how long a report counts, in seconds. */
export function level_of(servers: readonly ControlledServer[], expiry: number, now: number): Level {
  const level = { in_service: 0, well: 0, known: 0, mean: 0 };
  let sum = 0;
  for (const server of servers) {
    if (takes_part(server)) {
      level.in_service += 1;
      const well = is_well(server, now);
      const known = well && server.reported_at > 0 && now - server.reported_at <= expiry;
      if (well) level.well += 1;
      if (known) {
        level.known += 1;
        sum += server.utilization;
      }
    }
  }
  if (level.known > 0) level.mean = sum / level.known;
  return level;
}

/** What is remembered of an upstream: the last decision may be another gateway's, or of before a restart. */
function tide_of({ row, scaling }: Controlled): Tide {
  const memory = shared_memory();
  return {
    high_since: memory[row + UpstreamRow.HIGH_SINCE],
    low_since: memory[row + UpstreamRow.LOW_SINCE],
    scaled_at: math.max(memory[row + UpstreamRow.SCALED_AT], scaling?.time ?? 0),
  };
}

function keep_tide({ row }: Controlled, { high_since, low_since }: Tide): void {
  const memory = shared_memory();
  memory[row + UpstreamRow.HIGH_SINCE] = high_since;
  memory[row + UpstreamRow.LOW_SINCE] = low_since;
}

/** What a server's part is worth now. */
function weight_of({ configured_weight, factor }: ControlledServer): number {
  return configured_weight * factor;
}

/** The standby server that has waited first; undefined: none is well. */
function next_standby({ servers }: Controlled, now: number): ControlledServer | undefined {
  for (const server of servers) {
    if (server.stands_by && is_well(server, now)) return server;
  }
  return undefined;
}

/** The server that contributes least, of several the youngest. */
function least_useful({ servers }: Controlled, only_standby: boolean): ControlledServer | undefined {
  let least: ControlledServer | undefined;
  for (const server of servers) {
    const may_go = takes_part(server) && (server.in_service || !only_standby);
    if (may_go && (least === undefined || weight_of(server) <= weight_of(least))) least = server;
  }
  return least;
}

/** The server that a decision is about. */
function server_for(
  upstream: Controlled,
  direction: Direction,
  by_webhook: boolean,
  now: number,
): ControlledServer | undefined {
  if (direction === "in") return least_useful(upstream, !by_webhook);
  return by_webhook ? undefined : next_standby(upstream, now);
}

function inputs_of(config: AutoscaleConfig, { in_service, well, known, mean }: Level): object {
  const { high, low, min, max } = config;
  const utilization = math.floor(mean * 10000 + 0.5) / 10000;
  return shaped({ in_service, well, known, utilization, high, low, min, max }, INPUTS);
}

function call_body(
  name: string,
  id: string,
  { direction, reason }: Decision,
  inputs: object,
  about: ControlledServer | undefined,
  now: number,
): string {
  let server: object | undefined;
  if (about !== undefined)
    server = shaped({ id: about.id, server: about.server, node: about.node }, CALLED_SERVER);
  const action = `scale_${direction}`;
  return encode(
    shaped({ id, time: iso8601(now), upstream: name, action, reason, inputs, server }, CALL_BODY),
  );
}

/** Does what is decided. Returns false when another gateway has decided before, or the cause when it cannot be done. */
function carry_out(
  upstream: Controlled,
  config: AutoscaleConfig,
  decision: Decision,
  about: ControlledServer | undefined,
  inputs: object,
  now: number,
): LuaMultiReturn<[boolean, string | undefined]> {
  const { name, scaling } = upstream;
  const id = string.format("%s-%d", name, math.floor(now * 1000));
  let is_done = false;
  const [, problem] = write(name, (current) => {
    is_done = current !== undefined && current.scaling?.id === scaling?.id;
    if (current === undefined || !is_done) return $multi(current, undefined);
    const next: Document = { ...current, scaling: { id, time: now } };
    if (config.webhook !== undefined) {
      next.scaling = { id, time: now, calling_until: now + CALL_SECONDS };
      next.call = { id, body: call_body(name, id, decision, inputs, about, now) };
      return $multi(next, undefined);
    }
    return set_in_service(next, about?.id ?? -1, decision.direction === "out", now);
  });
  if (problem !== undefined) return $multi(false, `could not scale upstream ${name}: ${problem.text}`);
  return $multi(is_done, undefined);
}

function act(
  upstream: Controlled,
  config: AutoscaleConfig,
  decision: Decision,
  level: Level,
  now: number,
): string | undefined {
  const { direction } = decision;
  const by_webhook = config.webhook !== undefined;
  const about = server_for(upstream, direction, by_webhook, now);
  const inputs = inputs_of(config, level);
  const is_possible = by_webhook || about !== undefined;
  shared_memory()[upstream.row + UpstreamRow.SCALED_AT] = now;
  if (is_possible && !config.dry_run) {
    const [is_done, cause] = carry_out(upstream, config, decision, about, inputs, now);
    if (!is_done) return cause;
  }
  const lacking = direction === "out" ? "no standby server is well" : "no standby server is in service";
  record_decision({
    upstream: upstream.name,
    id: about?.id,
    server: about?.server,
    decision: direction === "out" ? "scale_out" : "scale_in",
    dry_run: config.dry_run ? true : undefined,
    reason: is_possible ? decision.reason : `${decision.reason}; nothing is done: ${lacking}`,
    inputs,
  });
  return undefined;
}

/** One decision at a time: whoever is called, by whichever gateway, may not even know of the last one. */
function is_being_called({ call, scaling }: Controlled, now: number): boolean {
  return call !== undefined || now < (scaling?.calling_until ?? 0);
}

/**
 * Decides on an upstream whose loads have just been measured, and acts. Phases that can sleep.
 *
 * @param expiry how long a report counts, in seconds
 * @returns the cause when something could not be done
 */
export function autoscale(
  upstream: Controlled,
  config: AutoscaleConfig,
  expiry: number,
  now: number,
): string | undefined {
  const { high, low, min, max } = config;
  const water = {
    high,
    low,
    min,
    max,
    duration: seconds_of(config.for),
    cooldown: seconds_of(config.cooldown),
  };
  const level = level_of(upstream.servers, expiry, now);
  const tide = tide_of(upstream);
  const decision = decide(water, level, tide, now);
  keep_tide(upstream, tide);
  if (decision === undefined || is_being_called(upstream, now)) return undefined;
  return act(upstream, config, decision, level, now);
}
