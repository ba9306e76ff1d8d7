import type { NumberPointer } from "ffi";

import { end_reported_state } from "../../health/reported";
import * as clock from "../../lib/clock";
import { collect_some } from "../../lib/garbage";
import { pause_if_long } from "../../lib/pause";
import { keys_of } from "../../lib/tables";
import { parse_head } from "../../store/document/document";
import { UpstreamRow } from "../../store/memory/cells";
import { get_text } from "../../store/memory/dict";
import { row_at, shared_memory, stamp_of } from "../../store/memory/region";
import { has_changed, survey } from "./availability";
import { has_slot } from "./counters";
import type { LiveUpstream } from "./model";
import { apply_document, forget_servers, new_upstream } from "./upstream";
import { follow_loads } from "./weight";

/** The upstreams that this worker serves, made at the first request and then changed by difference. */

let memory: NumberPointer;
let is_ready = false;
const upstreams = new LuaTable<string, LiveUpstream | undefined>();

/** Sets the shared memory whose revisions this worker follows. Phase: init_worker_by_lua. */
export function use_memory(shared: NumberPointer): void {
  memory = shared;
  is_ready = true;
}

/** The upstream without a request that was looked at last. */
let glimpse: LiveUpstream | undefined;

/** Updates or makes a view from the store; undefined: the upstream does not exist. O(servers). */
function renew(name: string, view: LiveUpstream | undefined): LiveUpstream | undefined {
  if (!is_ready) {
    // Raises if setup() was not called, which is the first mistake to report.
    shared_memory();
    error("resty.sluice: init_worker() was not called in init_worker_by_lua", 0);
  }
  const text = get_text(name);
  let upstream: LiveUpstream | undefined;
  if (text !== undefined && has_slot()) {
    const [head, start] = parse_head(text);
    const is_same = view?.row === row_at(head.row) && view.incarnation === stamp_of(head.row);
    upstream = is_same ? view : new_upstream(name, head);
    apply_document(upstream, head, text, start);
  }
  if (view !== undefined && view !== upstream) forget_servers(view);
  return upstream;
}

/** Ends the expired reported states: in a new view, by the timer, and for the API. O(servers). */
function end_reported_states(upstream: LiveUpstream, now: number): void {
  for (const [, server] of pairs(upstream.servers)) end_reported_state(server, upstream.report_expiry, now);
}

function take_glimpse(name: string): LiveUpstream | undefined {
  if (glimpse?.name !== name) return undefined;
  const taken = glimpse;
  glimpse = undefined;
  return taken;
}

/** Updates this worker's view of an upstream from the store; undefined: the upstream does not exist. */
function synchronise(name: string): LiveUpstream | undefined {
  const before = upstreams.get(name);
  const upstream = renew(name, before ?? take_glimpse(name));
  if (upstream !== undefined && upstream !== before) {
    end_reported_states(upstream, clock.now());
    collect_some();
  }
  if (upstream === undefined) upstreams.delete(name);
  else upstreams.set(name, upstream);
  return upstream;
}

function find_current(name: string): LiveUpstream | undefined {
  const upstream = upstreams.get(name);
  if (upstream !== undefined && memory[upstream.row + UpstreamRow.REVISION] <= upstream.revision)
    return upstream;
  return synchronise(name);
}

/**
 * Finds an upstream for a retry. A survey of all servers after each failure would take quadratic time, and
 * only `panic_threshold` needs it: a server's own row shows that it is unavailable.
 */
export function find_upstream_for_retry(name: string, now: number): LiveUpstream | undefined {
  const upstream = find_current(name);
  if (upstream !== undefined && upstream.panic_threshold > 0 && has_changed(upstream)) survey(upstream, now);
  return upstream;
}

/** Finds an upstream as it is now. Hot: two reads of shared memory unless something has changed. */
export function find_upstream(name: string, now: number): LiveUpstream | undefined {
  const upstream = find_current(name);
  if (upstream !== undefined && has_changed(upstream)) survey(upstream, now);
  return upstream;
}

/**
 * Finds an upstream for the API. If the upstream has had no request, its view is kept only until the next
 * call, so that a look at all upstreams does not fill the memory of a worker. Not hot.
 */
export function look_at_upstream(name: string, now: number): LiveUpstream | undefined {
  if (upstreams.has(name)) return find_upstream(name, now);
  const before = take_glimpse(name);
  if (glimpse !== undefined) forget_servers(glimpse);
  glimpse = renew(name, before);
  if (glimpse === undefined) return undefined;
  follow_loads(glimpse);
  end_reported_states(glimpse, now);
  survey(glimpse, now);
  return glimpse;
}

/** Calls a function for each upstream that this worker serves. */
export function for_each_upstream(action: (this: void, upstream: LiveUpstream) => void): void {
  for (const [, upstream] of pairs(upstreams)) action(upstream);
}

function refresh(name: string, upstream: LiveUpstream, now: number): void {
  if (memory[upstream.row + UpstreamRow.REVISION] > upstream.revision) synchronise(name);
  end_reported_states(upstream, now);
  // Two workers that raise the revision of health at the same time may raise it only once.
  survey(upstream, now);
}

/** Updates the views that no request updates, so that deleted upstreams are forgotten. Phase: timer. */
export function refresh_all(): void {
  for (const name of keys_of(upstreams)) {
    pause_if_long();
    const upstream = upstreams.get(name);
    if (upstream !== undefined) refresh(name, upstream, clock.now());
  }
}
