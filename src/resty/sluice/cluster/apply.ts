import { check_name } from "../config/upstream";
import type { KeyValue, Listing } from "../net/etcd/keys";
import { LOST } from "../store/problems";
import { names, read } from "../store/read";
import { apply_shared, parse_shared } from "../store/shared";
import { share, write_own, type Edit } from "../store/write";
import { cluster_revision, revision_in_etcd, shared_part } from "./replicate";

/** Makes this gateway's upstreams what etcd has. Each function returns the cause when it fails. Phases that can sleep. */

/** Keys that are no upstreams: the log says so once each. */
const reported = new LuaSet<string>();

function skip(key: string, reason: string): undefined {
  if (!reported.has(key)) ngx.log(ngx.WARN, `sluice: ${key} in etcd is left out: ${reason}`);
  reported.add(key);
  return undefined;
}

function apply(name: string, edit: Edit): string | undefined {
  const [, problem] = write_own(name, edit);
  return problem === undefined ? undefined : `could not apply upstream ${name}: ${problem.text}`;
}

/** Applies what stands at a key. `is_other`: it is another etcd's, whose revisions say nothing of those that are known. */
export function apply_key(
  prefix: string,
  { key, value, revision }: KeyValue,
  is_other: boolean,
): string | undefined {
  const name = string.sub(key, prefix.length + 1);
  if (check_name(name) !== undefined) return skip(key, "its name cannot be that of an upstream");
  const shared = parse_shared(shared_part(value));
  if (shared === undefined) return skip(key, "it is not an upstream as Sluice writes it");
  return apply(name, (current, next_revision) => {
    const known = revision_in_etcd(current);
    const is_known = known === revision || (known > revision && !is_other);
    if (current !== undefined && is_known) return $multi(current, undefined);
    return apply_shared(current, shared, cluster_revision(revision), next_revision);
  });
}

/** Deletes the upstream of a key that was deleted at a revision. */
export function delete_key(prefix: string, key: string, revision: number): string | undefined {
  return apply(string.sub(key, prefix.length + 1), (current) => {
    const known = revision_in_etcd(current);
    const is_older = known > 0 && known < revision;
    return $multi(is_older ? undefined : current, undefined);
  });
}

/** What this gateway has and etcd has not: it was deleted there meanwhile; or etcd has lost it, or never had it. */
function settle_missing(name: string, { keys, revision }: Listing): string | undefined {
  const known = revision_in_etcd(read(name));
  // Whatever empties etcd must not empty the gateways.
  const is_deleted = known > 0 && keys.length > 0 && known <= revision;
  if (is_deleted) return delete_key("", name, revision + 1);
  const [, problem] = share(name);
  return problem === undefined || problem === LOST ? undefined : problem.text;
}

/** Makes this gateway's upstreams those of a listing. */
export function apply_listing(prefix: string, listing: Listing): string | undefined {
  const there = new LuaSet<string>();
  for (const entry of listing.keys) {
    there.add(string.sub(entry.key, prefix.length + 1));
    const name = string.sub(entry.key, prefix.length + 1);
    const is_other = revision_in_etcd(read(name)) > listing.revision;
    const cause = apply_key(prefix, entry, is_other);
    if (cause !== undefined) return cause;
  }
  for (const name of names()) {
    const cause = there.has(name) ? undefined : settle_missing(name, listing);
    if (cause !== undefined) return cause;
  }
  return undefined;
}
