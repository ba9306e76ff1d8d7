import { check_name } from "../config/upstream";
import type { KeyValue, Listing } from "../net/etcd/keys";
import type { Document } from "../store/document";
import { LOST } from "../store/problems";
import { names, read } from "../store/read";
import { apply_shared, parse_shared, type Shared } from "../store/shared";
import { share, write_own } from "../store/write";
import { cluster_revision, revision_in_etcd, shared_part } from "./replicate";

/** Makes this gateway's upstreams what etcd has. Each function returns the cause when it fails. Phases that can sleep. */

/** By name: etcd's revision of each upstream that this gateway has; 0: it has not been shared. */
export type Base = LuaTable<string, number>;

/** Whether what etcd has is to be taken over by this gateway's document; undefined: it has none. */
type Condition = (this: void, current: Document | undefined) => boolean;

/** Keys that are no upstreams: the log says so once each. */
const reported = new LuaSet<string>();

function skip(key: string, reason: string): undefined {
  if (!reported.has(key)) ngx.log(ngx.WARN, `sluice: ${key} in etcd is left out: ${reason}`);
  reported.add(key);
  return undefined;
}

/** What this gateway has, to be taken before etcd is asked: whatever changes after that is newer than the answer. */
export function take_base(): Base {
  const base: Base = new LuaTable();
  for (const name of names()) base.set(name, revision_in_etcd(read(name)));
  return base;
}

/** Takes over what etcd has of an upstream; undefined: nothing any more. */
function take_over(
  name: string,
  shared: Shared | undefined,
  revision: number,
  is_wanted: Condition,
): string | undefined {
  const [, problem] = write_own(name, (current, next_revision) => {
    if (!is_wanted(current)) return $multi(current, undefined);
    if (shared === undefined) return $multi(undefined, undefined);
    return apply_shared(current, shared, cluster_revision(revision), next_revision);
  });
  return problem === undefined ? undefined : `could not apply upstream ${name}: ${problem.text}`;
}

function take_over_key(prefix: string, entry: KeyValue, is_wanted: Condition): string | undefined {
  const { key, value, revision } = entry;
  const name = string.sub(key, prefix.length + 1);
  if (check_name(name) !== undefined) return skip(key, "its name cannot be that of an upstream");
  const shared = parse_shared(shared_part(value));
  if (shared === undefined) return skip(key, "it is not an upstream as Sluice writes it");
  return take_over(name, shared, revision, is_wanted);
}

/** Takes over a change of a key. */
export function apply_key(prefix: string, entry: KeyValue): string | undefined {
  return take_over_key(prefix, entry, (current) => revision_in_etcd(current) < entry.revision);
}

/** Takes over that a key was deleted at a revision. */
export function delete_key(prefix: string, key: string, revision: number): string | undefined {
  return take_over(string.sub(key, prefix.length + 1), undefined, revision, (current) => {
    const known = revision_in_etcd(current);
    return known > 0 && known < revision;
  });
}

/** What etcd does not have: it was deleted there, or, if etcd is not complete, it never had it or has lost it. */
function settle_missing(name: string, base: Base, is_complete: boolean): string | undefined {
  const known = revision_in_etcd(read(name));
  if (known > 0 && is_complete) {
    return take_over(name, undefined, 0, (current) => revision_in_etcd(current) === base.get(name));
  }
  const [, problem] = share(name);
  return problem === undefined || problem === LOST ? undefined : problem.text;
}

/**
 * Makes this gateway's upstreams those of a listing. One that cannot be does not keep the others from it.
 *
 * @param base of before the listing
 * @param is_complete whether the gateways have once put there all that they had
 */
export function apply_listing(
  prefix: string,
  { keys }: Listing,
  base: Base,
  is_complete: boolean,
): string | undefined {
  let cause: string | undefined;
  const there = new LuaSet<string>();
  for (const entry of keys) {
    const name = string.sub(entry.key, prefix.length + 1);
    there.add(name);
    const before = base.get(name) as number | undefined;
    const failed = take_over_key(prefix, entry, (current) => {
      const is_untouched =
        current === undefined ? before === undefined : revision_in_etcd(current) === before;
      return is_untouched && before !== entry.revision;
    });
    cause ??= failed;
  }
  for (const name of names()) {
    const failed = there.has(name) ? undefined : settle_missing(name, base, is_complete);
    cause ??= failed;
  }
  return cause;
}
