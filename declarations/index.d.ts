/** The types of the Lua module `resty.sluice`, for TypeScript that TypeScriptToLua compiles. */

/// <reference path="upstream.d.ts" />
/// <reference path="health.d.ts" />
/// <reference path="loads.d.ts" />
/// <reference path="discovery.d.ts" />

/**
 * Dynamic upstreams for OpenResty: one function a phase of nginx.
 *
 * @noResolution
 * @noSelf
 */
declare module "resty.sluice" {
  /** What `setup` takes. */
  export interface Options {
    /** The folder of the journal; made if it is not there. Default: none, all is in memory only (a WARN says so). */
    state_dir?: string;
    /** Force each change to the disk before it is acknowledged. Default: false. */
    fsync?: boolean;
    /** The name of the `lua_shared_dict`. Default: `"sluice"`. */
    shared_dict?: string;
    /** The HTTP API: where it is, and who may use it. */
    api?: Api;
    /** Several gateways with the same upstreams. Default: none, this one is alone. */
    cluster?: Cluster;
    /**
     * Upstreams to create at the first start, by name. One that the saved state holds, or that was deleted, stays as
     * it is, and a WARN lists it.
     */
    upstreams?: Record<string, Upstream>;
  }

  /** The HTTP API: where it is, and who may use it. */
  export interface Api {
    /** The path of its location. Default: `"/api"`. */
    prefix?: string;
    /** False: every change is answered with 405. Default: true. */
    write?: boolean;
    /** A change needs one of these. Default: none, only local changes. */
    write_tokens?: string[];
    /** A file with more of them, one a line, read at the start and at each reload. Default: none. */
    write_tokens_file?: string;
    /** Reading needs one of these or of `write_tokens`. Default: none, local reading, or with a write token. */
    read_tokens?: string[];
    /** A file with more of them, one a line, read at the start and at each reload. Default: none. */
    read_tokens_file?: string;
    /** Host names, beside IP addresses and `localhost`, by which the API may be asked. Default: none. */
    hosts?: string[];
    /**
     * Origins, beside the API's own, whose pages may use the API in a browser, such as `"https://example.com"`.
     * Default: none.
     */
    origins?: string[];
  }

  /** Where gateways share their upstreams. */
  export interface Cluster {
    etcd: Etcd;
  }

  /** The version, such as `"1.2.3"`. */
  export const _VERSION: string;

  /**
   * Reads the configuration, opens the state, and creates the upstreams that the state does not hold yet. Raises a text
   * that names the field and the reason: then nginx does not start, or, at a reload, goes on as it was.
   *
   * Phase: init_by_lua.
   */
  export function setup(options: Options): void;

  /**
   * Makes a worker ready: its counters, its background work. Raises when `setup` was not called.
   *
   * Phase: init_worker_by_lua.
   */
  export function init_worker(): void;

  /**
   * Chooses the server for this attempt of a request. With none available nginx answers 502.
   *
   * Phase: balancer_by_lua.
   *
   * @param name the upstream; by default the value of `$sluice_upstream`
   */
  export function balance(name?: string): void;

  /**
   * Has a request wait for a server: wanted only by a `queue`, whose refusals are its answers.
   *
   * Phase: access_by_lua.
   *
   * @param name the upstream; by default the value of `$sluice_upstream`
   */
  export function access(name?: string): void;

  /**
   * Counts how a request ended.
   *
   * Phase: log_by_lua, of every location that proxies to an upstream of Sluice.
   */
  export function log(): void;

  /**
   * Answers a request to the HTTP API. Raises when `setup` was not called.
   *
   * Phase: content_by_lua.
   */
  export function api(): void;
}
