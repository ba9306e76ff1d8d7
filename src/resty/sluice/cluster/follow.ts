import type { EtcdConfig } from "../config/sources/etcd";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { internal_error, start_background } from "../lib/run";
import { unexpected } from "../lib/schema";
import { ANYTHING, call, ETCD, log_in, new_etcd_client, type EtcdClient } from "../net/etcd/client";
import { get_key, is_alive, list_keys, type KeyValue, type Listing } from "../net/etcd/keys";
import { covering_range } from "../net/etcd/prefix";
import { close_watch, next_events, open_watch, type KeyEvent } from "../net/etcd/watch";
import type { Stream } from "../net/stream";
import { LOOK_SECONDS } from "../net/wait";
import { put_cluster_report } from "../store/reports";
import { read } from "../store/read";
import { set_replicator } from "../store/replicate";
import { is_writing } from "../store/lock";
import { is_over } from "../store/turn";
import { apply_key, apply_listing, delete_key, settle, take_base } from "./apply";
import { names_to_retry, publish_problems } from "./problems";
import { apply_renewals, is_renewals, send_renewals } from "./renewals";
import { new_replicator } from "./replicate";
import { revision_in_etcd } from "./value";

/**
 * Several gateways with one state: each upstream is a key of etcd's. Whoever changes one changes the key first; the others
 * follow by a watch. One worker of each gateway does that.
 */

const SESSION_SECONDS = 600;
const CHECK_SECONDS = 1;
/** How often upstreams that could not be shared or applied are tried again, and how many of them at once. */
const RETRY_SECONDS = 5;
const MOST_RETRIES = 20;
const SHORTEST_REST = 0.05;
const LONGEST_REST = 1;

let etcd: EtcdConfig;
let attempts = 0;
let failures = 0;
let last_success: number | undefined;
let since: number | undefined;

function note_success(): void {
  if (failures > 0) ngx.log(ngx.NOTICE, "sluice: the cluster's etcd answers again");
  if (failures > 0 || since === undefined) since = clock.now();
  failures = 0;
  last_success = clock.now();
  put_cluster_report(encode({ last_success, since }));
}

function rest(cause: string): void {
  if (failures === 0) ngx.log(ngx.WARN, `sluice: could not follow the cluster's etcd: ${cause}`);
  put_cluster_report(encode({ last_success, error: cause }));
  const seconds = math.min(LONGEST_REST, SHORTEST_REST * 2 ** failures);
  failures += 1;
  attempts += 1;
  ngx.sleep(seconds);
}

function apply_event({ key, value, revision }: KeyEvent): string | undefined {
  const { prefix } = etcd;
  if (string.sub(key, 1, prefix.length) !== prefix)
    return unexpected(ETCD, "it has a key that does not begin with the prefix");
  if (key === complete_key()) return undefined;
  if (is_renewals(prefix, key)) {
    if (value !== undefined) apply_renewals(key, value);
    return undefined;
  }
  if (value === undefined) delete_key(prefix, key, revision);
  else apply_key(prefix, { key, value, revision });
  return undefined;
}

/** Tries again what could not be shared or applied. Returns the cause when etcd fails. */
function retry_problems(client: EtcdClient): string | undefined {
  for (const name of names_to_retry(MOST_RETRIES)) {
    const current = read(name);
    const before = current === undefined ? undefined : revision_in_etcd(current);
    const [found, cause] = get_key(client, etcd.prefix + name);
    if (found === undefined) return cause;
    const failed = settle(name, found.entry, before, true);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** What is due while the watch goes on. Returns the cause when etcd fails. */
function check(client: EtcdClient, is_time_to_retry: boolean): string | undefined {
  const [alive, dead] = is_alive(client, etcd.prefix);
  if (alive === undefined) return dead;
  note_success();
  const unsent = send_renewals(client, etcd.prefix);
  if (unsent !== undefined || !is_time_to_retry) return unsent;
  return retry_problems(client);
}

/** Takes over what comes. Returns the cause when the watch has failed. */
function follow_watch(client: EtcdClient, stream: Stream): string | undefined {
  const end = clock.now() + SESSION_SECONDS;
  let checked = clock.now();
  let retried = checked;
  while (!is_over() && clock.now() < end) {
    const [events, cause] = next_events(
      stream,
      math.min(LOOK_SECONDS, checked + CHECK_SECONDS - clock.now()),
    );
    if (events === undefined) return cause;
    for (const event of events) {
      const failed = apply_event(event);
      if (failed !== undefined) return failed;
    }
    const now = clock.now();
    if (now - checked >= CHECK_SECONDS) {
      const is_time_to_retry = now - retried >= RETRY_SECONDS;
      const failed = check(client, is_time_to_retry);
      if (failed !== undefined) return failed;
      checked = now;
      if (is_time_to_retry) retried = now;
    }
    publish_problems();
  }
  return undefined;
}

/**
 * The key that says that the gateways have put all that they had into this etcd: what is not there has been deleted. An etcd
 * that has lost its data has lost this too.
 */
function complete_key(): string {
  return `${etcd.prefix}state/complete`;
}

function has_complete_key({ keys }: Listing): boolean {
  for (const { key } of keys) {
    if (key === complete_key()) return true;
  }
  return false;
}

/** Returns the cause when it fails. */
function put_complete_key(client: EtcdClient): string | undefined {
  const body = { key: ngx.encode_base64(complete_key()), value: ngx.encode_base64("yes") };
  const [, cause] = call<object>(client, "/v3/kv/put", body, ANYTHING);
  return cause;
}

/** A listing without what is no upstream. */
function upstreams_of({ keys, revision }: Listing): Listing {
  const upstreams: KeyValue[] = [];
  for (const entry of keys) {
    const is_upstream = entry.key !== complete_key() && !is_renewals(etcd.prefix, entry.key);
    if (is_upstream) upstreams.push(entry);
  }
  return { keys: upstreams, revision };
}

function session(): string | undefined {
  const client = new_etcd_client(etcd, attempts, "cluster", is_over);
  const [logged_in, refused] = log_in(client);
  if (logged_in === undefined) return refused;
  const base = take_base();
  const [listing, unlisted] = list_keys(client, etcd.prefix);
  if (listing === undefined) return unlisted;
  const is_complete = has_complete_key(listing);
  const failed = apply_listing(etcd.prefix, upstreams_of(listing), base, is_complete);
  publish_problems(true);
  if (failed !== undefined) return failed;
  const unmarked = is_complete ? undefined : put_complete_key(client);
  if (unmarked !== undefined) return unmarked;
  const [stream, unwatched] = open_watch(client, covering_range([etcd.prefix]), listing.revision + 1);
  if (stream === undefined) return unwatched;
  note_success();
  // The stream must be closed, whatever happens.
  const [returned, cause] = pcall(follow_watch, client, stream);
  close_watch(stream);
  return returned ? cause : internal_error(cause);
}

function follow_for_a_while(this: void): void {
  const cause = session();
  if (cause !== undefined && !is_over()) rest(cause);
}

/** Has this worker's writes reach the other gateways from now on. Phase: init_worker_by_lua. */
export function join_cluster(config: EtcdConfig): void {
  etcd = config;
  set_replicator(new_replicator(config));
}

/** Has this worker take over what the other gateways write. Phase: init_worker_by_lua, of one worker. */
export function follow_cluster(): void {
  start_background({
    verb: "follow the cluster",
    round: follow_for_a_while,
    is_over,
    is_critical: is_writing,
    recover: () => {
      attempts += 1;
    },
  });
}
