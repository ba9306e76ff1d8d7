import type { NumberPointer } from "ffi";

import { end_reported_state } from "../../health/reported";
import * as clock from "../../lib/clock";
import { parse_head } from "../../store/document/document";
import { UpstreamRow } from "../../store/memory/cells";
import { get_text } from "../../store/memory/dict";
import { row_at, shared_memory, stamp_of } from "../../store/memory/region";
import { has_changed, survey } from "./availability";
import { has_slot } from "./counters";
import type { LiveUpstream } from "./model";
import { apply_document, forget_servers, new_upstream } from "./upstream";
import { follow_loads } from "./weight";

/**
 * The upstreams that this worker serves, each made at its first request and from then on changed by difference.
 */

let memory: NumberPointer;
let is_ready = false;
const upstreams = new LuaTable<string, LiveUpstream | undefined>();

/** Follows the revisions in `shared` from now on. Phase: init_worker_by_lua. */
export function use_memory(shared: NumberPointer): void {
  memory = shared;
  is_ready = true;
}

/** One that no request has come for, as it was looked at last. */
let glimpse: LiveUpstream | undefined;

/** Makes a view of an upstream that of the store, or a new one. Undefined: there is none. O(servers), little a server. */
function renew(name: string, view: LiveUpstream | undefined): LiveUpstream | undefined {
  if (!is_ready) {
    // Without setup() this raises, and that is the mistake then.
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

/** Ends the reported states that have expired. Not done in requests, because it may record events. */
function end_reported_states(upstream: LiveUpstream, now: number): void {
  for (const [, server] of pairs(upstream.servers)) end_reported_state(server, upstream.report_expiry, now);
}

function take_glimpse(name: string): LiveUpstream | undefined {
  if (glimpse?.name !== name) return undefined;
  const taken = glimpse;
  glimpse = undefined;
  return taken;
}

/** Makes this worker's view of an upstream that of the store. Undefined: there is none. */
function synchronise(name: string): LiveUpstream | undefined {
  const before = upstreams.get(name);
  const upstream = renew(name, before ?? take_glimpse(name));
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
 * The same for a retry. The failure before it may have changed the server's state, and to survey all servers after each
 * failure would take the square of their number. The server itself is known to be unavailable without a survey; only
 * `panic_threshold` needs one.
 */
export function find_upstream_for_retry(name: string, now: number): LiveUpstream | undefined {
  const upstream = find_current(name);
  if (upstream !== undefined && upstream.panic_threshold > 0 && has_changed(upstream)) survey(upstream, now);
  return upstream;
}

/**
 * The upstream as the store has it now, and its servers' health. Hot: two reads of shared memory unless something has
 * changed.
 *
 * @param now the monotonic clock
 */
export function find_upstream(name: string, now: number): LiveUpstream | undefined {
  const upstream = find_current(name);
  if (upstream !== undefined && has_changed(upstream)) survey(upstream, now);
  return upstream;
}

/**
 * The same for whoever only looks: of the upstreams that no request has come for the view of the last one is kept, for the
 * first request, so that to look at all of them fills no worker. Not hot.
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

/** Follows upstreams that no request has come for, so that what was deleted is forgotten. Phase: timer. */
export function refresh_all(): void {
  const now = clock.now();
  for (const [name, upstream] of pairs(upstreams)) {
    if (memory[upstream.row + UpstreamRow.REVISION] > upstream.revision) synchronise(name);
    end_reported_states(upstream, now);
    // Two workers that raise the revision of health at the same time may raise it only once.
    survey(upstream, now);
  }
}
