import type { EtcdConfig } from "../config/sources/etcd";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { internal_error, start_background } from "../lib/run";
import { unexpected } from "../lib/schema";
import { note_failure, note_recovery, type Attempts } from "../net/backoff";
import { ETCD, log_in, new_etcd_client, type EtcdClient } from "../net/etcd/client";
import { get_key, list_keys } from "../net/etcd/keys";
import { covering_range } from "../net/etcd/prefix";
import { next_events, open_watch, type KeyEvent } from "../net/etcd/watch";
import { close_stream, type Stream } from "../net/stream";
import { LOOK_SECONDS } from "../net/wait";
import { is_over } from "../store/memory/generation";
import { is_writing } from "../store/memory/lock";
import { set_replicator } from "../store/replicate";
import { put_cluster_report } from "../store/source_status";
import {
  before_key,
  check_history,
  complete_key,
  history_key,
  join_history,
  NEW_HISTORY,
  note_settled,
  type Joined,
} from "./history";
import { sort_keys } from "./listing";
import { names_to_retry, publish_problems } from "./problems";
import { apply_renewals, is_renewals, send_renewals } from "./renewals";
import { new_replicator } from "./replicator";
import { settle, settle_all, settle_change, settle_deletion, take_base } from "./settle";
import { forget_tombstone, name_of_tombstone, note_tombstone, settle_tombstones } from "./tombstones";

/**
 * Lets several gateways share one state: each upstream is a key in etcd. A gateway that changes an upstream
 * changes the key first; the others follow by a watch. One worker of each gateway follows.
 */

const SESSION_SECONDS = 600;
const CHECK_SECONDS = 1;
/** How often upstreams that could not be shared or applied are tried again, and how many at once. */
const RETRY_SECONDS = 5;
const MOST_RETRIES = 20;

let etcd: EtcdConfig;
/** The failed sessions. A session that delivered nothing counts as failed, even if its watch was opened. */
const sessions: Attempts = { attempts: 0, failures: 0 };
let is_failing = false;
let last_success: number | undefined;
let since: number | undefined;

function note_success(): void {
  last_success = clock.now();
  if (is_failing || since === undefined) since = last_success;
  is_failing = false;
  put_cluster_report(encode({ last_success, since }));
}

/**
 * Records that the watch has delivered something, or has lasted: the next failure is the first of a series.
 */
function note_delivery(): void {
  note_recovery(sessions, "the cluster's etcd");
}

function rest(cause: string): void {
  const delay = note_failure(sessions, "the cluster's etcd", cause);
  is_failing = true;
  put_cluster_report(encode({ last_success, error: cause }));
  ngx.sleep(delay);
}

function apply_event(joined: Joined, { key, value, revision }: KeyEvent): string | undefined {
  const { prefix, history } = joined;
  if (string.sub(key, 1, prefix.length) !== prefix)
    return unexpected(ETCD, "it has a key that does not begin with the prefix");
  if (key === history_key(prefix)) return value === history ? undefined : NEW_HISTORY;
  if (key === before_key(prefix) || key === complete_key(prefix)) return undefined;
  if (is_renewals(prefix, key)) {
    if (value !== undefined) apply_renewals(key, value);
    return undefined;
  }
  const deleted = name_of_tombstone(prefix, key);
  if (deleted !== undefined) {
    if (value === undefined) forget_tombstone(deleted);
    else note_tombstone(deleted, { key, value, revision }, joined);
    return undefined;
  }
  if (value !== undefined) return settle_change(joined, { key, value, revision });
  settle_deletion(joined, key, revision);
  return undefined;
}

/** Tries again what could not be shared or applied. Returns the cause when etcd fails. */
function retry_problems(joined: Joined): string | undefined {
  const names = names_to_retry(MOST_RETRIES);
  const base = take_base(names);
  for (const name of names) {
    const [found, cause] = get_key(joined.client, joined.prefix + name);
    if (found === undefined) return cause;
    const failed = settle(joined, name, found.entry, base.get(name), found.revision);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** Does the regular work during a watch. Returns the cause when etcd fails. */
function check(joined: Joined, is_time_to_retry: boolean): string | undefined {
  const { client, prefix } = joined;
  const lost = check_history(joined);
  if (lost !== undefined) return lost;
  note_success();
  note_delivery();
  const unsent = send_renewals(client, prefix);
  if (unsent !== undefined || !is_time_to_retry) return unsent;
  return retry_problems(joined);
}

/** Applies the events of the watch. Returns the cause when the watch fails. */
function follow_watch(joined: Joined, stream: Stream): string | undefined {
  // Sent at the start too, because a watch may fail before the first check.
  const unsent = send_renewals(joined.client, joined.prefix);
  if (unsent !== undefined) return unsent;
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
      const failed = apply_event(joined, event);
      if (failed !== undefined) return failed;
      note_delivery();
    }
    const now = clock.now();
    if (now - checked >= CHECK_SECONDS) {
      const is_time_to_retry = now - retried >= RETRY_SECONDS;
      const failed = check(joined, is_time_to_retry);
      if (failed !== undefined) return failed;
      checked = now;
      if (is_time_to_retry) retried = now;
    }
    publish_problems();
  }
  return undefined;
}

/** Settles this gateway's upstreams with etcd. Returns what was joined, or undefined and the cause. */
function join(client: EtcdClient): LuaMultiReturn<[Joined | undefined, string | undefined, number]> {
  const { prefix } = etcd;
  const base = take_base();
  const [listing, unlisted] = list_keys(client, prefix);
  if (listing === undefined) return $multi(undefined, unlisted, 0);
  const parts = sort_keys(prefix, listing.keys);
  const [found, unknown] = join_history(client, prefix, listing, parts.history, parts.before, base);
  if (found === undefined) return $multi(undefined, unknown, 0);
  const joined = { client, prefix, ...found, is_complete: parts.is_complete, listed: listing.revision };
  const failed =
    settle_tombstones(joined, parts.tombstones) ??
    settle_all(joined, parts.upstreams, base, listing.revision) ??
    note_settled(joined);
  publish_problems(true);
  return $multi(failed === undefined ? joined : undefined, failed, listing.revision);
}

function session(): string | undefined {
  const client = new_etcd_client(etcd, sessions.attempts, "cluster", is_over);
  const [logged_in, refused] = log_in(client);
  if (logged_in === undefined) return refused;
  const [joined, not_joined, revision] = join(client);
  if (joined === undefined) return not_joined;
  const [stream, unwatched] = open_watch(client, covering_range([etcd.prefix]), revision + 1);
  if (stream === undefined) return unwatched;
  note_success();
  // The stream must be closed even after an error.
  const [returned, cause] = pcall(follow_watch, joined, stream);
  close_stream(stream);
  return returned ? cause : internal_error(cause);
}

function follow_for_a_while(this: void): void {
  const cause = session();
  if (cause !== undefined && !is_over()) rest(cause);
}

/** Lets this worker's writes reach the other gateways. Phase: init_worker_by_lua. */
export function join_cluster(config: EtcdConfig): void {
  etcd = config;
  set_replicator(new_replicator(config));
}

/** Lets this worker apply the other gateways' writes. Phase: init_worker_by_lua, in one worker. */
export function follow_cluster(): void {
  start_background({
    verb: "follow the cluster",
    round: follow_for_a_while,
    is_over,
    is_critical: is_writing,
    recover: () => {
      sessions.attempts += 1;
    },
  });
}
