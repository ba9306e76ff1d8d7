import type { CData, NumberPointer } from "ffi";
import { get_last_failure } from "ngx.balancer";

import { Row, UpstreamRow } from "../store/memory/cells";
import { Header } from "../store/memory/header_cells";
import { record_problem } from "../store/memory/events";
import { find_attempts, forget_attempts } from "./attempts";
import { forget_first } from "./first_attempts";
import { uncount_retry } from "./retries";
import { count_end } from "./view/counters";
import { note_end } from "./view/in_flight_age";
import type { LiveUpstream, LiveServer } from "./view/model";
import { wake } from "./view/queue";
import { key_of } from "./view/request_key";

/**
 * Requests that ended without `log()`, because log_by_lua is missing or replaced. A request is kept by its
 * address until `log()` is called. nginx does not reuse the memory of a request that exists, so if another
 * request has the same address, the first one has ended. Slow and aborted requests and WebSockets are never
 * mistaken.
 */

let memory: NumberPointer;
/** The generation in which this worker started. A later reload may have corrected the configuration. */
let generation = 0;

/** Follows the state in `shared` from now on. Phase: init_worker_by_lua. */
export function use_generation(shared: NumberPointer): void {
  memory = shared;
  generation = shared[Header.GENERATION];
}

/** Returns the generation in which this worker started. A reload that fails raises only the shared one. */
export function own_generation(): number {
  return generation;
}

/** Reports that requests end without `log()`, once for each upstream and generation. */
export function report_unlogged({ name, row, incarnation }: LiveUpstream): void {
  const cell = row + UpstreamRow.UNLOGGED;
  if (memory[row + Row.STAMP] !== incarnation || memory[cell] >= generation) return;
  memory[cell] = generation;
  record_problem(ngx.ERR, { upstream: name, problem: "log_missing", reason: LOG_MISSING });
}

const LOG_MISSING =
  'a request has ended without log(): add log_by_lua_block { require("resty.sluice").log() } to each server and ' +
  "location that has a log_by_lua of its own, which replaces the one of http; until then requests are counted wrongly";

/**
 * Tells whether the record at a request's address belongs to an earlier request, and ends that one. Not hot:
 * at the first attempt of most requests there is no record. `$upstream_addr` shows each attempt of this
 * request at any upstream; after an internal redirect it is at least ` : `. Phase: balancer_by_lua.
 */
export function forget_unlogged(request: CData, first: LiveServer | undefined): boolean {
  if (get_last_failure()[0] !== undefined || (ngx.var.upstream_addr ?? "") !== "") return false;
  const key = key_of(request);
  const attempts = find_attempts(key);
  const server = first ?? attempts?.server;
  const upstream = (server ?? attempts?.servers[0])?.upstream;
  if (attempts === undefined) {
    if (first !== undefined) forget_first(request);
  } else {
    forget_attempts(key);
    uncount_retry(attempts);
  }
  if (server !== undefined) {
    note_end(request, server);
    count_end(server, 0);
    wake(server.upstream);
  }
  if (upstream !== undefined) report_unlogged(upstream);
  return true;
}
