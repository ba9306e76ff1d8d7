import type { AutoscaleConfig } from "../config/autoscale";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { encode, shape, shaped } from "../lib/json";
import { copy } from "../store/document/edit";
import { set_in_service } from "../store/document/standby";
import { UpstreamRow } from "../store/memory/cells";
import { record_decision } from "../store/memory/events";
import { shared_memory } from "../store/memory/region";
import { write } from "../store/write";
import { CALL_SECONDS, is_call_pending } from "./calls";
import { server_for } from "./candidate";
import type { Controlled, ControlledServer } from "./controlled";
import { decide, type Decision, type Level, type Tide, type Water } from "./scaling_rule";
import { level_of } from "./utilization";

/** Brings servers into service and lets them go, as the load of an upstream asks for. */

const SECONDS_AFTER_FAILURE = 5;

const INPUTS = shape(["in_service", "well", "known", "utilization", "high", "low", "min", "max"]);
const CALL_BODY = shape(["id", "time", "upstream", "action", "reason", "inputs", "server"]);
const CALLED_SERVER = shape(["id", "server", "node"]);

/** What is remembered of an upstream. The last decision may be another gateway's. */
function tide_of({ row }: Controlled): Tide {
  const memory = shared_memory();
  return {
    high_since: memory[row + UpstreamRow.HIGH_SINCE],
    low_since: memory[row + UpstreamRow.LOW_SINCE],
    scaled_at: memory[row + UpstreamRow.SCALED_AT],
  };
}

function keep_tide({ row }: Controlled, { high_since, low_since }: Tide): void {
  const memory = shared_memory();
  memory[row + UpstreamRow.HIGH_SINCE] = high_since;
  memory[row + UpstreamRow.LOW_SINCE] = low_since;
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
  time: number,
): string {
  let server: object | undefined;
  if (about !== undefined)
    server = shaped({ id: about.id, server: about.server, node: about.node }, CALLED_SERVER);
  const action = `scale_${direction}`;
  return encode(
    shaped({ id, time: iso8601(time), upstream: name, action, reason, inputs, server }, CALL_BODY),
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
  const { name, scaling, memo } = upstream;
  const time = clock.wall_time();
  const id = string.format("%s-%d", name, math.floor(time * 1000));
  let is_done = false;
  const [, problem] = write(name, (current) => {
    is_done = current !== undefined && current.scaling?.id === scaling?.id;
    if (current === undefined || !is_done) return $multi(current, undefined);
    const next = copy(current);
    next.scaling = { id, time };
    if (config.webhook !== undefined) {
      next.scaling.wait = CALL_SECONDS;
      next.call = { id, body: call_body(name, id, decision, inputs, about, time) };
      return $multi(next, undefined);
    }
    return set_in_service(next, about?.id ?? -1, decision.direction === "out", now);
  });
  if (problem !== undefined) return $multi(false, `could not scale upstream ${name}: ${problem.text}`);
  if (is_done) memo.sure_until = now + CALL_SECONDS;
  return $multi(is_done, undefined);
}

/** Records a decision. `lacking`: why nothing comes of it; that is said once, as long as it lasts. */
function record(
  { name, memo }: Controlled,
  { dry_run }: AutoscaleConfig,
  { direction, reason }: Decision,
  lacking: string | undefined,
  about: ControlledServer | undefined,
  inputs: object,
): void {
  const saying = lacking === undefined ? "" : `${direction} ${lacking}`;
  if (lacking !== undefined && memo.said === saying) return;
  memo.said = saying;
  record_decision({
    upstream: name,
    id: about?.id,
    server: about?.server,
    decision: direction === "out" ? "scale_out" : "scale_in",
    dry_run: dry_run ? true : undefined,
    reason: lacking === undefined ? reason : `${reason}; nothing is done: ${lacking}`,
    inputs,
  });
}

/** Acts on a decision. Returns the cause when it fails. */
function act(
  upstream: Controlled,
  config: AutoscaleConfig,
  decision: Decision,
  level: Level,
  now: number,
): string | undefined {
  const [about, lacking] = server_for(upstream, decision, config, level, now);
  const inputs = inputs_of(config, level);
  if (lacking === undefined && !config.dry_run) {
    const [is_done, cause] = carry_out(upstream, config, decision, about, inputs, now);
    if (!is_done) return cause;
  }
  if (lacking === undefined) shared_memory()[upstream.row + UpstreamRow.SCALED_AT] = now;
  record(upstream, config, decision, lacking, about, inputs);
  return undefined;
}

/** Acts on a decision in a light thread of its own: a write may have to wait, and the weights must not. */
function act_soon(upstream: Controlled, config: AutoscaleConfig, decision: Decision, level: Level): void {
  const { memo } = upstream;
  memo.is_deciding = true;
  const [timer, no_timer] = ngx.timer.at(0, (premature) => {
    const [returned, cause] = premature ? [true] : pcall(act, upstream, config, decision, level, clock.now());
    memo.is_deciding = false;
    if (!returned) ngx.log(ngx.ERR, `sluice: ${tostring(cause)}`);
    if (cause === undefined) return;
    memo.decision_due = clock.now() + SECONDS_AFTER_FAILURE;
    if (returned) ngx.log(ngx.WARN, `sluice: ${tostring(cause)}`);
  });
  if (timer !== undefined) return;
  memo.is_deciding = false;
  ngx.log(ngx.WARN, `sluice: could not start a timer: ${no_timer ?? ""}`);
}

function water_of(config: AutoscaleConfig): Water {
  const { high, low, min, max } = config;
  return { high, low, min, max, duration: seconds_of(config.for), cooldown: seconds_of(config.cooldown) };
}

/**
 * Decides on an upstream whose loads have just been measured. Phase: timer.
 *
 * @param expiry how long a report counts, in seconds
 */
export function autoscale(upstream: Controlled, config: AutoscaleConfig, expiry: number, now: number): void {
  const { memo } = upstream;
  const level = level_of(upstream.servers, expiry, now);
  const tide = tide_of(upstream);
  const decision = decide(water_of(config), level, tide, now);
  keep_tide(upstream, tide);
  if (tide.high_since === 0 && tide.low_since === 0 && decision === undefined) memo.said = "";
  // One at a time: whoever is called may not even know of the last one.
  const is_busy = memo.is_deciding || now < memo.decision_due || is_call_pending(upstream, now);
  if (decision !== undefined && !is_busy) act_soon(upstream, config, decision, level);
}
