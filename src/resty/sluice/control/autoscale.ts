import type { AutoscaleConfig } from "../config/autoscale";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { run_soon } from "../lib/job";
import { encode, record } from "../lib/json";
import { copy } from "../store/document/edit";
import { set_in_service } from "../store/document/standby";
import { AUTOSCALE } from "../store/history/author";
import { record_decision } from "../store/memory/events";
import { write } from "../store/write";
import { CALL_SECONDS, is_call_pending } from "./calls";
import { server_for } from "./candidate";
import type { Controlled, ControlledServer } from "./controlled";
import { note_decision, read_times, store_times } from "./scaling_cells";
import { decide, type Decision, type ScalingLimits, type Utilization } from "./scaling_rule";
import { utilization_of } from "./utilization";

/** Brings servers into service and takes them out of it, by the load of an upstream. */

const SECONDS_AFTER_FAILURE = 5;

const inputs_record = record("in_service well known utilization high low min max");
const call_record = record("id time upstream action reason inputs server");
const server_record = record("id server node");

function inputs_of(config: AutoscaleConfig, { in_service, well, known, mean }: Utilization): object {
  const { high, low, min, max } = config;
  const utilization = math.floor(mean * 10000 + 0.5) / 10000;
  return inputs_record({ in_service, well, known, utilization, high, low, min, max });
}

function call_body(
  name: string,
  id: string,
  { direction, reason }: Decision,
  inputs: object,
  about: ControlledServer | undefined,
  time: number,
): string {
  const server =
    about === undefined ? undefined : server_record({ id: about.id, server: about.server, node: about.node });
  const action = `scale_${direction}`;
  return encode(call_record({ id, time: iso8601(time), upstream: name, action, reason, inputs, server }));
}

/** Carries out a decision. Returns false if another gateway has decided before, or with a cause. */
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
  const [, problem] = write(name, AUTOSCALE, (current) => {
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

/** Records a decision. `obstacle` is why nothing is done; it is recorded once as long as it lasts. */
function record_once(
  { name, memo }: Controlled,
  { dry_run }: AutoscaleConfig,
  { direction, reason }: Decision,
  obstacle: string | undefined,
  about: ControlledServer | undefined,
  inputs: object,
): void {
  const recorded = obstacle === undefined ? "" : `${direction} ${obstacle}`;
  if (obstacle !== undefined && memo.recorded_obstacle === recorded) return;
  memo.recorded_obstacle = recorded;
  record_decision({
    upstream: name,
    id: about?.id,
    server: about?.server,
    decision: direction === "out" ? "scale_out" : "scale_in",
    dry_run: dry_run ? true : undefined,
    reason: obstacle === undefined ? reason : `${reason}; nothing is done: ${obstacle}`,
    inputs,
  });
}

/** Returns the cause of a failure. */
function act(
  upstream: Controlled,
  config: AutoscaleConfig,
  decision: Decision,
  utilization: Utilization,
  now: number,
): string | undefined {
  const [about, obstacle] = server_for(upstream, decision, config, utilization, now);
  const inputs = inputs_of(config, utilization);
  if (obstacle === undefined && !config.dry_run) {
    const [is_done, cause] = carry_out(upstream, config, decision, about, inputs, now);
    if (!is_done) return cause;
  }
  if (obstacle === undefined) note_decision(upstream, decision, now);
  record_once(upstream, config, decision, obstacle, about, inputs);
  return undefined;
}

/** Acts on a decision in its own timer, because a write may have to wait. */
function act_soon(
  upstream: Controlled,
  config: AutoscaleConfig,
  decision: Decision,
  utilization: Utilization,
): void {
  const { memo } = upstream;
  memo.is_deciding = true;
  run_soon(
    () => act(upstream, config, decision, utilization, clock.now()),
    (cause) => {
      memo.is_deciding = false;
      if (cause !== undefined) memo.decision_due = clock.now() + SECONDS_AFTER_FAILURE;
    },
  );
}

function limits_of(config: AutoscaleConfig): ScalingLimits {
  const { high, low, min, max } = config;
  return { high, low, min, max, duration: seconds_of(config.for), cooldown: seconds_of(config.cooldown) };
}

/** Decides whether to scale an upstream whose loads were just measured. Phase: timer. */
export function autoscale(upstream: Controlled, config: AutoscaleConfig, expiry: number, now: number): void {
  const { memo } = upstream;
  const times = read_times(upstream);
  if (times === undefined) return;
  const utilization = utilization_of(upstream.servers, expiry, now);
  const decision = decide(limits_of(config), utilization, times, now);
  store_times(upstream, times);
  if (times.high_since === 0 && times.low_since === 0 && decision === undefined) memo.recorded_obstacle = "";
  // A decision must have its effect before the next one: the receiver of a webhook may not have acted yet.
  const is_busy = memo.is_deciding || now < memo.decision_due || is_call_pending(upstream, now);
  if (decision !== undefined && !is_busy) act_soon(upstream, config, decision, utilization);
}
