import { seconds_of } from "../config/time";
import { expiry_of } from "../health/reported";
import * as clock from "../lib/clock";
import { new_job } from "../lib/job";
import { pause, pause_if_long } from "../lib/pause";
import { is_over } from "../store/memory/generation";
import { autoscale } from "./autoscale";
import { make_due_call } from "./calls";
import { controlled, follow_controlled, type Controlled } from "./controlled";
import { measure } from "./measure";
import { update_weights } from "./weight_update";

/** Updates the weights of upstreams with `load` and scales those with `autoscale`. One worker does this. */

/** Time between two updates of an upstream without `load`, in seconds. */
const UPDATE_SECONDS = 1;
const REST_SECONDS = 10;

function pause_for_requests(this: void): boolean {
  pause();
  return !is_over();
}

function update(upstream: Controlled, now: number): void {
  const { load, autoscale: scale, servers, memo } = upstream;
  memo.update_due = now + (load === undefined ? UPDATE_SECONDS : seconds_of(load.update));
  for (const server of servers) measure(server, now);
  if (load !== undefined) update_weights(upstream, load, now);
  if (scale !== undefined) autoscale(upstream, scale, expiry_of(load), now);
}

function control_all(this: void): undefined {
  if (is_over()) return;
  follow_controlled(pause_for_requests);
  const names: string[] = [];
  for (const [name] of pairs(controlled)) names.push(name);
  for (const name of names) {
    pause_if_long();
    const upstream = controlled.get(name);
    if (is_over()) return;
    if (upstream !== undefined) make_due_call(upstream, clock.now());
    if (upstream !== undefined && upstream.memo.update_due <= clock.now()) {
      update(upstream, clock.now());
    }
  }
}

/** Adjusts weights and scales upstreams as their loads require. Phase: timer, some times a second. */
export const control_upstreams = new_job({ verb: "control upstreams", rest: REST_SECONDS, run: control_all });
