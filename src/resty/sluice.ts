import { type } from "ngx.process";

import { use_audit_log } from "./sluice/api/audit";
import { use_credentials } from "./sluice/api/client/identify";
import { with_token_files } from "./sluice/api/client/token_files";
import { answer_request } from "./sluice/api/router";
import { address_rules_of } from "./sluice/config/address_rules";
import { read_options, type ApiOptions } from "./sluice/config/options";
import type { EtcdConfig } from "./sluice/config/sources/etcd";
import { options_of } from "./sluice/discovery/resolver";
import { use_template } from "./sluice/discovery/template/current";
import { compile_whole_requests } from "./sluice/lib/compiler";
import { VERSION } from "./sluice/lib/version";
import { access as access_request } from "./sluice/live/admission";
import { balance as balance_attempt, log as log_request } from "./sluice/live/phases";
import { upstream_in_variable } from "./sluice/live/request";
import { use_zone } from "./sluice/live/view/zone";
import { use_address_rules } from "./sluice/net/allowed";
import { use_lookup_options } from "./sluice/net/dns/system";
import { open_store, reopen_store } from "./sluice/store/open";
import { resume_worker, start_worker } from "./sluice/worker";

/** The public module, `require("resty.sluice")`: one function for each phase of nginx. */

let api_options: ApiOptions | undefined;
let cluster: EtcdConfig | undefined;

/** The version of Sluice, a string such as `"1.2.3"`. */
export const _VERSION = VERSION;

/**
 * Reads the options, opens the state and creates the upstreams that the state does not contain yet.
 *
 * Phase: init_by_lua. With `lua_code_cache off`, nginx runs this phase before each request as well; the
 * function then uses the state that the first call has opened.
 *
 * It also lets LuaJIT compile longer paths, for all Lua code of the process: `maxirconst=1000`.
 *
 * Errors: raises a text that names the option and the reason if an option is invalid or the state cannot be
 * opened. nginx then does not start; at a reload, the running workers continue.
 *
 * @param options a table; docs/reference/setup.md describes its fields with types, units and defaults
 */
export function setup(options: unknown): void {
  const [done, failure] = pcall(() => {
    const read = read_options(options);
    compile_whole_requests();
    const api = with_token_files(read.api);
    use_address_rules(address_rules_of(read.guard));
    use_lookup_options(read.resolver === undefined ? undefined : options_of(read.resolver));
    use_zone(read.zone);
    const is_worker = type() === "worker";
    use_credentials(api, is_worker);
    use_audit_log(api.audit_log, is_worker);
    if (is_worker) {
      reopen_store(read);
      resume_worker();
    } else {
      open_store(read);
    }
    api_options = api;
    cluster = read.cluster;
    use_template(read.discovery, read.cluster !== undefined);
  });
  if (!done) error(`resty.sluice: ${tostring(failure)}`, 2);
}

/**
 * Prepares the worker process: its counters in shared memory and its background work.
 *
 * Phase: init_worker_by_lua. Processes of nginx that serve no requests may call it too; it has no effect
 * there.
 *
 * Errors: raises a text if `setup` was not called. A worker that finds no free slot for its counters logs a
 * warning and answers 502 until a worker of an earlier reload has ended.
 */
export function init_worker(): void {
  start_worker(cluster);
}

/**
 * Chooses the server for the current attempt of the request. nginx calls it again for each retry.
 *
 * Phase: balancer_by_lua, of the `upstream` block.
 *
 * Errors: raises none. If no server is available, it logs the reason and nginx answers 502.
 *
 * @param name the name of the upstream, a string; default: the value of `$sluice_upstream`
 */
export function balance(name?: string): void {
  balance_attempt(name ?? upstream_in_variable());
}

/**
 * Makes the request wait while all servers of an upstream with a `queue` have reached their `max_conns`.
 * Without a `queue`, or while a server is free, the request continues immediately.
 *
 * Phase: access_by_lua, of every location that proxies to an upstream with a `queue`.
 *
 * Errors: raises none. The request ends with status 503 and `Retry-After` if the queue is full, and with
 * status 504 if the `timeout` of the queue has passed.
 *
 * @param name the name of the upstream, a string; default: the value of `$sluice_upstream`
 */
export function access(name?: string): void {
  access_request(name ?? upstream_in_variable());
}

/**
 * Records the result of the request: its statistics, and whether its server has failed.
 *
 * Phase: log_by_lua, of every location that proxies to an upstream of Sluice. Without it, requests seem to be
 * in progress for longer, their results are lost, and Sluice logs an error.
 *
 * Errors: raises none.
 */
export function log(): void {
  log_request();
}

/**
 * Answers a request to the HTTP API.
 *
 * Phase: content_by_lua.
 *
 * Errors: raises a text if `setup` was not called. All other errors are answers with a status and a JSON
 * body.
 */
export function api(): void {
  answer_request(api_options ?? error("resty.sluice: setup() was not called in init_by_lua", 2));
}
