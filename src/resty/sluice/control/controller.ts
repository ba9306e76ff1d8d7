import { seconds_of } from "../config/time";
import { expiry_of } from "../health/reported";
import * as clock from "../lib/clock";
import { is_over } from "../store/memory/generation";
import { autoscale } from "./autoscale";
import { make_due_call } from "./calls";
import { controlled, follow_controlled, type Controlled } from "./controlled";
import { measure } from "./measure";
import { update_weights } from "./weight_update";

/** Updates the weights of upstreams with `load` and scales those with `autoscale`. One worker does this. */

/** Time between two updates of an upstream without `load`, in seconds. */
const UPDATE_SECONDS = 1;
/** After this number of servers, the worker serves requests. */
const SERVERS_AT_ONCE = 2000;
/** 0 would do, but without OpenResty's patches nginx warns of it. */
const PAUSE_SECONDS = 0.001;
const SECONDS_AFTER_FAILURE = 10;

let is_running = false;
let not_before = 0;

function pause(this: void): boolean {
  ngx.sleep(PAUSE_SECONDS);
  return !is_over();
}

function update(upstream: Controlled, now: number): void {
  const { load, autoscale: scale, servers, memo } = upstream;
  memo.update_due = now + (load === undefined ? UPDATE_SECONDS : seconds_of(load.update));
  for (const server of servers) measure(server, now);
  if (load !== undefined) update_weights(upstream, load, now);
  if (scale !== undefined) autoscale(upstream, scale, expiry_of(load), now);
}

function control_all(this: void): void {
  follow_controlled(pause);
  const names: string[] = [];
  for (const [name] of pairs(controlled)) names.push(name);
  let seen = 0;
  for (const name of names) {
    const upstream = controlled.get(name);
    if (is_over()) return;
    if (upstream !== undefined) make_due_call(upstream, clock.now());
    if (upstream !== undefined && upstream.memo.update_due <= clock.now()) {
      update(upstream, clock.now());
      seen += upstream.servers.length;
    }
    if (seen >= SERVERS_AT_ONCE) {
      seen = 0;
      pause();
    }
  }
}

/** Has the loads of all upstreams do what they ask for. Phase: timer, some times a second. */
export function control_upstreams(): void {
  if (is_running || clock.now() < not_before || is_over()) return;
  is_running = true;
  const [returned, failure] = pcall(control_all);
  is_running = false;
  if (returned) return;
  not_before = clock.now() + SECONDS_AFTER_FAILURE;
  ngx.log(ngx.ERR, `sluice: could not control upstreams: ${tostring(failure)}`);
}
