import { check_name } from "../config/upstream";
import type { KeyValue, Listing } from "../net/etcd/keys";
import type { Document } from "../store/document";
import { LOST } from "../store/problems";
import { names, read } from "../store/read";
import { apply_shared, parse_shared, type Shared } from "../store/shared";
import { share, write_own } from "../store/write";
import { forget_others, forget_problem, note_problem } from "./problems";
import { cluster_revision, revision_in_etcd, shared_part } from "./value";

/** Makes this gateway's upstreams what etcd has. An upstream that cannot be is noted. Phases that can sleep. */

/** By name: etcd's revision of each upstream that this gateway has; 0: it has not been shared. */
export type Base = LuaTable<string, number>;

/** Whether what etcd has is to be taken over by this gateway's document; undefined: it has none. */
type Condition = (this: void, current: Document | undefined) => boolean;

/** Keys that are no upstreams: the log says so once each. */
const reported = new LuaSet<string>();

function skip(key: string): void {
  if (reported.has(key)) return;
  reported.add(key);
  ngx.log(ngx.WARN, `sluice: ${key} in etcd is left out: its name cannot be that of an upstream`);
}

/** What this gateway has, to be taken before etcd is asked: whatever changes after that is newer than the answer. */
export function take_base(): Base {
  const base: Base = new LuaTable();
  for (const name of names()) base.set(name, revision_in_etcd(read(name)));
  return base;
}

/** Takes over what etcd has of an upstream; undefined: nothing any more. */
function take_over(name: string, shared: Shared | undefined, revision: number, is_wanted: Condition): void {
  const [, problem] = write_own(name, (current, next_revision) => {
    if (!is_wanted(current)) return $multi(current, undefined);
    if (shared === undefined) return $multi(undefined, undefined);
    return apply_shared(current, shared, cluster_revision(revision), next_revision);
  });
  if (problem === undefined) forget_problem(name);
  else note_problem(name, `what etcd has could not be applied: ${problem.text}`);
}

/** Takes over the value of a key, unless it is no upstream. */
function take_over_value(name: string, { value, revision }: KeyValue, is_wanted: Condition): void {
  const [shared, problem] = parse_shared(shared_part(value));
  if (shared !== undefined) take_over(name, shared, revision, is_wanted);
  else note_problem(name, `what etcd has is no upstream and is left out: ${problem?.text ?? ""}`, revision);
}

/** The name of the upstream that a key is of; undefined: it cannot be one. */
function name_of(prefix: string, key: string): string | undefined {
  const name = string.sub(key, prefix.length + 1);
  if (check_name(name) === undefined) return name;
  skip(key);
  return undefined;
}

/** Takes over a change of a key. */
export function apply_key(prefix: string, entry: KeyValue): void {
  const name = name_of(prefix, entry.key);
  if (name === undefined) return;
  take_over_value(name, entry, (current) => revision_in_etcd(current) < entry.revision);
}

/** Takes over that a key was deleted at a revision. */
export function delete_key(prefix: string, key: string, revision: number): void {
  const name = name_of(prefix, key);
  if (name === undefined) return;
  take_over(name, undefined, revision, (current) => {
    const known = revision_in_etcd(current);
    return known > 0 && known < revision;
  });
}

/**
 * Takes over a value that was read beside the watch, and that it will bring, too. Only of an upstream that is there: one
 * that is not may have been deleted since.
 */
export function apply_newer(name: string, { value, revision }: KeyValue): void {
  const [shared] = parse_shared(shared_part(value));
  if (shared === undefined) return;
  write_own(name, (current, next_revision) => {
    const known = revision_in_etcd(current);
    if (known === 0 || known >= revision) return $multi(current, undefined);
    return apply_shared(current, shared, cluster_revision(revision), next_revision);
  });
}

/** What etcd does not have: it was deleted there, or, if etcd is not complete, it never had it or has lost it. */
function settle_missing(name: string, before: number | undefined, is_complete: boolean): string | undefined {
  const known = revision_in_etcd(read(name));
  if (known > 0 && is_complete) {
    take_over(name, undefined, 0, (current) => revision_in_etcd(current) === before);
    return undefined;
  }
  const [, problem] = share(name);
  if (problem === undefined || problem === LOST) forget_problem(name);
  else if (problem.code === "ClusterUnavailable") return problem.text;
  else note_problem(name, `it could not be shared: ${problem.text}`);
  return undefined;
}

/**
 * Makes an upstream what etcd has.
 *
 * @param entry undefined: etcd has no such key
 * @param before etcd's revision of what this gateway had before etcd was asked
 * @param is_complete whether the gateways have once put there all that they had
 * @returns the cause when etcd fails
 */
export function settle(
  name: string,
  entry: KeyValue | undefined,
  before: number | undefined,
  is_complete: boolean,
): string | undefined {
  if (entry === undefined) return settle_missing(name, before, is_complete);
  take_over_value(name, entry, (current) => {
    const is_untouched = current === undefined ? before === undefined : revision_in_etcd(current) === before;
    return is_untouched && before !== entry.revision;
  });
  return undefined;
}

/** Makes this gateway's upstreams those of a listing. `base`: of before the listing. Returns the cause when etcd fails. */
export function apply_listing(
  prefix: string,
  { keys }: Listing,
  base: Base,
  is_complete: boolean,
): string | undefined {
  const there = new LuaSet<string>();
  for (const entry of keys) {
    const name = name_of(prefix, entry.key);
    if (name !== undefined) {
      there.add(name);
      settle(name, entry, base.get(name), is_complete);
    }
  }
  const missing = names().filter((name) => !there.has(name));
  for (const name of missing) there.add(name);
  forget_others(there);
  for (const name of missing) {
    const cause = settle(name, undefined, base.get(name), is_complete);
    if (cause !== undefined) return cause;
  }
  return undefined;
}
