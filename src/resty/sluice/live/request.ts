import type { CData } from "ffi";
import { get_request } from "resty.core.base";

import * as clock from "../lib/clock";
import { forget_admission, take_reserved } from "./admission";
import {
  end_attempt,
  find_attempts,
  first_server,
  forget_attempts,
  forget_first,
  keep_first,
  key_of,
  type Attempts,
} from "./attempts";
import { note_begin, note_end } from "./begun";
import { choose, is_still_available, lacked_key } from "./choice";
import { count_without_key, uncount_request } from "./counters";
import { note_choice } from "./health";
import { log_one_attempt, log_several_attempts } from "./outcome";
import { allow_retries, refuse, send } from "./peer";
import { wake } from "./queue";
import { count_retry, may_retry, uncount_retry } from "./retries";
import type { LiveServer } from "./server";
import { balance_subrequest } from "./subrequest";
import type { LiveUpstream } from "./upstream";
import { find_upstream } from "./view";

/** A request's way through the balancer: `balance` for each attempt, `log` once. Hot. */

/** The server that was chosen before the balancer, if it is still there, else one that is chosen now. */
function first_choice(upstream: LiveUpstream, key: number, now: number): LiveServer | undefined {
  const reserved = take_reserved(key);
  if (reserved !== undefined) {
    if (is_still_available(upstream, reserved, now)) return reserved;
    uncount_request(reserved);
    return choose(upstream, undefined, now);
  }
  const server = choose(upstream, undefined, now);
  if (lacked_key()) count_without_key(upstream);
  return server;
}

/** Says, once, why requests do not wait. */
function warn_of_missing_hook(upstream: LiveUpstream): void {
  if (upstream.queue === undefined || upstream.has_access_hook) return;
  upstream.has_access_hook = true;
  ngx.log(
    ngx.WARN,
    `sluice: upstream ${upstream.name}: "queue" needs access_by_lua_block { require("resty.sluice").access("${upstream.name}") }`,
  );
}

/** Chooses a server of the upstream `name` for the request, and counts it. Phase: balancer_by_lua. */
export function balance(name: string): void {
  const now = clock.now();
  const upstream = find_upstream(name, now);
  if (upstream === undefined) {
    ngx.log(ngx.WARN, `sluice: there is no upstream "${name}"`);
    refuse();
    return;
  }
  if (ngx.is_subrequest) {
    balance_subrequest(upstream, now);
    return;
  }
  const key = key_of(get_request() as CData);
  const first = first_server(key);
  let attempts: Attempts | undefined;
  let is_retry = false;
  if (first !== undefined || find_attempts(key) !== undefined) {
    [attempts, is_retry] = end_attempt(key, first);
    if (!is_retry) uncount_retry(attempts);
    else if (!may_retry(upstream, attempts)) {
      refuse();
      return;
    }
  }
  const server = is_retry ? choose(upstream, attempts, now) : first_choice(upstream, key, now);
  if (server === undefined || !send(server)) {
    warn_of_missing_hook(upstream);
    refuse();
    return;
  }
  if (!is_retry) allow_retries(upstream, server);
  else if (attempts !== undefined) count_retry(upstream, attempts);
  if (upstream.sticky !== undefined) upstream.sticky.bind(server, is_retry);
  note_choice(server, now);
  if (upstream.keeps_begun) note_begin(key, server, now);
  if (attempts === undefined) keep_first(key, server);
  else attempts.server = server;
}

/** Counts how the request ended. Phase: log_by_lua. */
export function log(): void {
  const request = get_request() as CData;
  const key = key_of(request);
  forget_admission(key);
  const server = first_server(key);
  if (server !== undefined) {
    forget_first(key);
    note_end(key, server);
    log_one_attempt(request, server);
    wake(server.upstream);
    return;
  }
  const attempts = find_attempts(key);
  if (attempts === undefined) return;
  forget_attempts(key);
  uncount_retry(attempts);
  if (attempts.server !== undefined) note_end(key, attempts.server);
  log_several_attempts(attempts.servers, attempts.server);
  if (attempts.server !== undefined) wake(attempts.server.upstream);
}
