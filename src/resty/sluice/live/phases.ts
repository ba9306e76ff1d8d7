import type { CData } from "ffi";

import { now as read_clock } from "../lib/clock";
import { UpstreamCounter } from "../store/memory/counter_cells";
import { forget_admission, take_reserved } from "./admission";
import { find_attempts, forget_attempts, type Attempts } from "./attempts";
import { choose, is_still_available } from "./choice";
import { first_server, forget_first, keep_first } from "./first_attempts";
import { end_attempt, log_one_attempt, log_several_attempts } from "./outcome";
import { current_request, is_subrequest } from "./request";
import { refuse, refuse_unknown, refuse_without_server, send } from "./peer";
import { count_retry, take_budget, uncount_retry } from "./retries";
import { may_try_again, retried_upstream, send_again } from "./retry";
import { choose_in_split } from "./split";
import { count_servers, is_available_in_split, upstreams_below } from "./split_servers";
import { balance_subrequest } from "./subrequest";
import { allow_tries } from "./tries";
import { forget_unlogged } from "./unlogged";
import { note_choice } from "./view/availability";
import { count_at, count_logged, uncount_request } from "./view/counters";
import { note_begin, note_end } from "./view/in_flight_age";
import type { LiveUpstream, LiveServer, Split } from "./view/model";
import { wake } from "./view/queue";
import { key_of } from "./view/request_key";
import { has_unusual } from "./view/unusual";
import { find_upstream, find_upstream_for_retry } from "./view/view";

/** The phases of a request: `balance` for each attempt, then `log` once. Hot. */

/** Returns the server that was chosen before the balancer ran, if it still is available, or a new one. */
function first_choice(upstream: LiveUpstream, request: CData, now: number): LiveServer | undefined {
  const reserved = take_reserved(request);
  if (reserved !== undefined) {
    if (is_still_available(upstream, reserved, now)) return reserved;
    uncount_request(reserved);
    const [server] = choose(upstream, undefined, now);
    return server;
  }
  const [server, lacks_key] = choose(upstream, undefined, now);
  if (lacks_key) count_at(upstream, UpstreamCounter.WITHOUT_KEY, 1);
  return server;
}

/** Reports once that requests fail instead of waiting. `name`: the upstream that nginx.conf names. */
function report_missing_hook(upstream: LiveUpstream, name: string): void {
  if (upstream.queue === undefined || upstream.has_access_hook) return;
  upstream.has_access_hook = true;
  ngx.log(
    ngx.ERR,
    `sluice: upstream ${upstream.name}: "queue" needs access_by_lua_block { require("resty.sluice").access("${name}") }`,
  );
}

/** Ends a request that has found no server. */
function refuse_first(upstream: LiveUpstream, now: number): void {
  const { name, split } = upstream;
  report_missing_hook(upstream, name);
  if (split !== undefined && !upstream.has_access_hook) {
    for (const member of upstreams_below(split, now)) report_missing_hook(member, name);
  }
  refuse_without_server(upstream);
}

function note_attempt(
  upstream: LiveUpstream,
  request: CData,
  server: LiveServer,
  is_retry: boolean,
  now: number,
): void {
  if (upstream.sticky !== undefined) upstream.sticky.bind(server, is_retry);
  note_choice(server, now);
  if (upstream.keeps_begun) note_begin(request, server, now);
}

/** Sends a request whose attempts have failed to another server. */
function retry(name: string, request: CData, attempts: Attempts, now: number): void {
  const asked = find_upstream_for_retry(name, now);
  if (asked === undefined) {
    refuse_unknown(name);
    return;
  }
  const upstream = retried_upstream(asked, attempts);
  if (!may_try_again(upstream, attempts, now)) return;
  if (!take_budget(upstream, attempts)) {
    count_at(upstream, UpstreamCounter.DENIED_RETRIES, 1);
    refuse(`upstream "${name}" has no budget left for a retry`);
    return;
  }
  const server = send_again(asked, upstream, attempts, now);
  if (server === undefined) return;
  // The retry may have gone on to another member of a split.
  if (attempts.retries !== server.upstream) uncount_retry(attempts);
  count_retry(server.upstream, attempts);
  count_at(upstream, UpstreamCounter.RETRIES, 1);
  note_attempt(server.upstream, request, server, true, now);
  attempts.server = server;
}

/** Keeps the server of a first attempt, or of the first one after an internal redirect. */
function begin(
  upstream: LiveUpstream,
  request: CData,
  server: LiveServer,
  attempts: Attempts | undefined,
  now: number,
): void {
  note_attempt(upstream, request, server, false, now);
  if (attempts === undefined) keep_first(request, server);
  else attempts.server = server;
}

/** As the first attempt in `balance`, at a member of a split. */
function balance_split(
  upstream: LiveUpstream,
  split: Split,
  request: CData,
  attempts: Attempts | undefined,
  now: number,
): void {
  let server = take_reserved(request);
  if (server !== undefined && !is_available_in_split(split, server, now)) {
    uncount_request(server);
    server = undefined;
  }
  server ??= choose_in_split(upstream, split, undefined, now);
  if (server === undefined || !send(server)) {
    refuse_first(upstream, now);
    return;
  }
  allow_tries(count_servers(split, now), server);
  begin(server.upstream, request, server, attempts, now);
}

/** Tells whether a request has had an attempt. `first`: its server, if that was the first one. */
function is_kept(request: CData, first: LiveServer | undefined): boolean {
  return first !== undefined || (has_unusual() && find_attempts(key_of(request)) !== undefined);
}

/** Chooses a server of the upstream `name` for the request, and counts it. Phase: balancer_by_lua. */
export function balance(name: string): void {
  const now = read_clock();
  const request = current_request();
  if (is_subrequest(request)) {
    balance_subrequest(name, now);
    return;
  }
  const first = first_server(request);
  let attempts: Attempts | undefined;
  if (is_kept(request, first) && !forget_unlogged(request, first)) {
    const [ended, is_retry] = end_attempt(request, first, now);
    if (is_retry) {
      retry(name, request, ended, now);
      return;
    }
    uncount_retry(ended);
    attempts = ended;
  }
  const upstream = find_upstream(name, now);
  if (upstream === undefined) {
    refuse_unknown(name);
    return;
  }
  const { split } = upstream;
  if (split !== undefined) {
    balance_split(upstream, split, request, attempts, now);
    return;
  }
  const server = first_choice(upstream, request, now);
  if (server === undefined || !send(server)) {
    refuse_first(upstream, now);
    return;
  }
  allow_tries(upstream.in_rotation, server);
  begin(upstream, request, server, attempts, now);
}

/** Counts the outcome of a request that had several attempts, if it did. */
function log_several(request: CData): void {
  const key = key_of(request);
  const attempts = find_attempts(key);
  if (attempts === undefined) return;
  forget_attempts(key);
  uncount_retry(attempts);
  const { server } = attempts;
  if (server !== undefined) note_end(request, server);
  log_several_attempts(attempts.servers, server);
  if (server !== undefined) wake(server.upstream);
}

/** Counts the outcome of a request. Phase: log_by_lua. */
export function log(): void {
  count_logged();
  const request = current_request();
  forget_admission(request);
  const server = first_server(request);
  if (server !== undefined) {
    forget_first(request);
    note_end(request, server);
    log_one_attempt(request, server);
    wake(server.upstream);
  } else if (has_unusual()) {
    log_several(request);
  }
}
