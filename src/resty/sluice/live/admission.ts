import type { CData } from "ffi";
import { get_request } from "resty.core.base";

import * as clock from "../lib/clock";
import { UpstreamCounter } from "../store/memory/counter_cells";
import { assigned_upstream } from "./split";
import { count_at, uncount_request } from "./view/counters";
import type { LiveServer, LiveUpstream } from "./view/model";
import { key_of } from "./view/request_key";
import { count_unusual, has_unusual } from "./view/unusual";
import { find_upstream } from "./view/view";
import { choose_or_wait, Ending, forget_waiter } from "./waiting";

/** Handles a request before the balancer runs: an upstream with a queue chooses the server here. */

const SERVICE_UNAVAILABLE = 503;
const GATEWAY_TIMEOUT = 504;
const RETRY_AFTER_SECONDS = "1";

/** The servers that were chosen for requests. Each request is counted at its server already. */
const reserved = new LuaTable<number, LiveServer | undefined>();

/** Takes the server that was chosen for a request; undefined: none, as for most requests. Hot. */
export function take_reserved(request: CData): LiveServer | undefined {
  if (!has_unusual()) return undefined;
  const key = key_of(request);
  const server = reserved.get(key);
  if (server === undefined) return undefined;
  reserved.delete(key);
  count_unusual(-1);
  return server;
}

/** Ends the wait or the reservation of a request that ended before the balancer ran. Hot. */
export function forget_admission(request: CData): void {
  if (!has_unusual()) return;
  forget_waiter(key_of(request));
  const server = take_reserved(request);
  if (server !== undefined) uncount_request(server);
}

function refuse(status: number): void {
  if (status === SERVICE_UNAVAILABLE) ngx.header["Retry-After"] = RETRY_AFTER_SECONDS;
  ngx.exit(status);
}

function admit(upstream: LiveUpstream): void {
  const { queue } = upstream;
  if (queue === undefined) return;
  upstream.has_access_hook = true;
  const request = get_request() as CData;
  const key = key_of(request);
  // After an internal redirect, the access phase runs again.
  forget_admission(request);
  const [ending, server, lacks_key] = choose_or_wait(upstream, queue, key);
  if (server !== undefined) {
    if (lacks_key) count_at(upstream, UpstreamCounter.WITHOUT_KEY, 1);
    reserved.set(key, server);
    count_unusual(1);
  }
  if (ending === Ending.OVERFLOW) refuse(SERVICE_UNAVAILABLE);
  if (ending === Ending.TIMEOUT) refuse(GATEWAY_TIMEOUT);
}

/** Lets a request to the upstream `name` continue, wait or end. Phase: access_by_lua. */
export function access(name: string): void {
  const now = clock.now();
  const asked = find_upstream(name, now);
  if (asked === undefined) return;
  // A request of a split that could wait at no member was not refused for lack of this hook.
  asked.has_access_hook = true;
  const upstream = asked.split === undefined ? asked : assigned_upstream(asked.split, now);
  if (upstream !== undefined) admit(upstream);
}
