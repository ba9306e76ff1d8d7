import { check_name } from "../config/name";
import { get_key, type KeyValue } from "../net/etcd/keys";
import { call_txn, has_value, is_at, remove } from "../net/etcd/txn";
import { known_history } from "../store/document/clustered";
import type { Document } from "../store/document/document";
import { LOST } from "../store/document/problems";
import { names, read } from "../store/document/read";
import { is_over } from "../store/memory/generation";
import { put_into_etcd } from "../store/write";
import { decide, type Stored } from "./decision";
import { history_key, type Joined } from "./history";
import { forget_others, forget_problem, note_problem } from "./problems";
import { apply_deletion, apply_value, type Condition } from "./take_over";
import { deleted_at } from "./tombstones";
import { origin_of } from "./value";
import { revision_in, version_at, version_of } from "./version";

/** Settles differences between this gateway and etcd. Functions return the cause when etcd fails. */

/** This gateway's version of each upstream, by name; "": not shared yet. */
export type Base = LuaTable<string, string>;

/** Keys that are not upstreams and have been logged. */
const reported = new LuaSet<string>();

function own_version(current: Document | undefined): string | undefined {
  return current === undefined ? undefined : (current.cluster_revision ?? "");
}

/** Returns this gateway's versions; taken before etcd is asked, so that later changes are newer. */
export function take_base(wanted = names()): Base {
  const base: Base = new LuaTable();
  for (const name of wanted) {
    const version = own_version(read(name));
    if (version !== undefined) base.set(name, version);
  }
  return base;
}

/** Returns the name of a key's upstream; undefined: the key cannot be that of an upstream. */
function name_of(prefix: string, key: string): string | undefined {
  const name = string.sub(key, prefix.length + 1);
  if (check_name(name) === undefined) return name;
  if (!reported.has(key))
    ngx.log(ngx.WARN, `sluice: ${key} in etcd is left out: its name cannot be that of an upstream`);
  reported.add(key);
  return undefined;
}

/** Puts an upstream into etcd. If another gateway is faster, the watch brings its version. */
function put_back(name: string, stored: Stored | undefined): string | undefined {
  const [, problem] = put_into_etcd(name, stored?.revision ?? 0);
  if (problem === undefined || problem === LOST) forget_problem(name);
  else if (problem.code === "ClusterUnavailable") return problem.text;
  else note_problem(name, `it could not be shared: ${problem.text}`);
  return undefined;
}

function delete_in_etcd(
  { client, prefix, history }: Joined,
  { key, revision }: KeyValue,
): string | undefined {
  const compare = [is_at(key, revision), has_value(history_key(prefix), history)];
  const [, cause] = call_txn(client, { compare, success: [remove(key)] });
  return cause;
}

function stored_in(joined: Joined, { value, revision }: KeyValue): Stored {
  const version = version_at(joined, revision);
  return { revision, version, content: origin_of(value) ?? version };
}

/** Makes an upstream equal here and in etcd, if `is_current` accepts this gateway's version. */
function settle_if(
  joined: Joined,
  name: string,
  entry: KeyValue | undefined,
  is_current: Condition,
): string | undefined {
  const { history, is_complete } = joined;
  const stored = entry === undefined ? undefined : stored_in(joined, entry);
  const around = { history, is_complete, deleted: deleted_at(name) };
  const decide_on = (current: Document | undefined) =>
    decide(own_version(current), current?.cluster_origin, stored, around);
  const step = decide_on(read(name));
  // While this worker waits for the lock, one of a newer configuration may have begun to follow, which has
  // applied later changes, also of a newer history.
  const is_wanted: Condition = (current) =>
    !is_over() && known_history() === history && is_current(current) && decide_on(current) === step;
  if (step === "put back") return put_back(name, stored);
  if (step === "delete in etcd" && entry !== undefined) return delete_in_etcd(joined, entry);
  if (step === "take" && entry !== undefined) apply_value(name, entry, history, stored?.content, is_wanted);
  else if (step === "delete") apply_deletion(name, is_wanted);
  else forget_problem(name);
  return undefined;
}

/**
 * Makes an upstream equal here and in etcd. `before`: its version here before etcd was asked; `at`: etcd's
 * revision of the answer. A change that was made here meanwhile is newer, unless the answer knows it.
 */
export function settle(
  joined: Joined,
  name: string,
  entry: KeyValue | undefined,
  before: string | undefined,
  at: number,
): string | undefined {
  return settle_if(joined, name, entry, (current) => {
    if (own_version(current) === before) return true;
    const version = version_of(current);
    // A change that was made meanwhile in a history that is over is not newer: etcd has lost it.
    return version !== undefined && (version.history !== joined.history || version.revision <= at);
  });
}

/** Applies a change of a key that the watch brings. */
export function settle_change(joined: Joined, entry: KeyValue): string | undefined {
  const name = name_of(joined.prefix, entry.key);
  return name === undefined ? undefined : settle_if(joined, name, entry, () => true);
}

/** Applies the deletion of a key that the watch brings. */
export function settle_deletion({ prefix, history }: Joined, key: string, revision: number): void {
  const name = name_of(prefix, key);
  if (name === undefined) return;
  apply_deletion(name, (current) => {
    const known = revision_in(history, current);
    return known > 0 && known < revision;
  });
}

/**
 * Settles an upstream of a listing that was deleted here since `base`: only a later look into etcd tells
 * whether the listing has a version that is newer than the deletion.
 */
function settle_deleted(joined: Joined, name: string): string | undefined {
  const [found, cause] = get_key(joined.client, joined.prefix + name);
  if (found === undefined) return cause;
  return settle(joined, name, found.entry, undefined, found.revision);
}

/** Makes all upstreams equal here and in etcd. `base`: the versions here before the keys were listed. */
export function settle_all(
  joined: Joined,
  keys: readonly KeyValue[],
  base: Base,
  at: number,
): string | undefined {
  const there = new LuaTable<string, KeyValue | undefined>();
  const kept = new LuaSet<string>();
  for (const entry of keys) {
    const name = name_of(joined.prefix, entry.key);
    if (name !== undefined) there.set(name, entry);
  }
  const all = names();
  for (const name of all) kept.add(name);
  for (const [name] of pairs(there)) {
    if (!kept.has(name)) all.push(name);
    kept.add(name);
  }
  forget_others(kept);
  for (const name of all) {
    let cause = settle(joined, name, there.get(name), base.get(name), at);
    if (cause === undefined && there.has(name) && base.has(name) && read(name) === undefined)
      cause = settle_deleted(joined, name);
    if (cause !== undefined) return cause;
  }
  return undefined;
}
