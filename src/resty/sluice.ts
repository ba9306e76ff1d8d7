import { type } from "ngx.process";

import { answer_request } from "./sluice/api/router";
import { with_token_files } from "./sluice/api/token_files";
import { read_options, type ApiOptions } from "./sluice/config/options";
import type { EtcdConfig } from "./sluice/config/sources/etcd";
import { VERSION } from "./sluice/lib/version";
import { access as access_request } from "./sluice/live/admission";
import { balance as balance_attempt, log as log_request } from "./sluice/live/phases";
import { open_store, reopen_store } from "./sluice/store/open";
import { resume_worker, start_worker } from "./sluice/worker";

/** `require "resty.sluice"`: one function a phase of nginx. */

let api_options: ApiOptions | undefined;
let cluster: EtcdConfig | undefined;

/** The module's version. */
export const _VERSION = VERSION;

/**
 * Reads the configuration, opens the state and creates the upstreams that it does not hold yet.
 *
 * Phase: init_by_lua. Raises a text that names the field and the reason; then nginx does not start, or, at a
 * reload, goes on as it was. With `lua_code_cache off`, nginx runs init_by_lua before each request, too.
 *
 * @param options docs/reference/setup.md lists them
 */
export function setup(options: unknown): void {
  const [done, failure] = pcall(() => {
    const read = read_options(options);
    const api = with_token_files(read.api);
    if (type() === "worker") {
      reopen_store(read);
      resume_worker();
    } else {
      open_store(read);
    }
    api_options = api;
    cluster = read.cluster;
  });
  if (!done) error(`resty.sluice: ${tostring(failure)}`, 2);
}

/**
 * Makes a worker ready: its counters, its background work.
 *
 * Phase: init_worker_by_lua. Raises when `setup` was not called.
 */
export function init_worker(): void {
  start_worker(cluster);
}

/**
 * Chooses the server for this attempt of a request. With none available nginx answers 502.
 *
 * Phase: balancer_by_lua.
 *
 * @param name the upstream; by default the value of `$sluice_upstream`
 */
export function balance(name?: string): void {
  balance_attempt(name ?? ngx.var.sluice_upstream ?? "");
}

/**
 * Lets a request go on, wait for a server, or end: what `queue` needs. With it full the client gets 503, when the wait
 * is over 504.
 *
 * Phase: access_by_lua.
 *
 * @param name the upstream; by default the value of `$sluice_upstream`
 */
export function access(name?: string): void {
  access_request(name ?? ngx.var.sluice_upstream ?? "");
}

/**
 * Counts how the request ended.
 *
 * Phase: log_by_lua, of every location that proxies to an upstream of Sluice.
 */
export function log(): void {
  log_request();
}

/**
 * Answers a request to the HTTP API.
 *
 * Phase: content_by_lua. Raises when `setup` was not called.
 */
export function api(): void {
  answer_request(api_options ?? error("resty.sluice: setup() was not called in init_by_lua", 2));
}
