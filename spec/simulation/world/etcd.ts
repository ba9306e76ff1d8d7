import type { Compare, Operation, Version } from "../../unit/support/etcd";
import { below, type World } from "./world";

/** An etcd of the world: one history of revisions. */

export interface Body {
  compare?: Compare[];
  success?: Operation[];
  failure?: Operation[];
  key?: string;
  value?: string;
  range_end?: string;
  revision?: string;
  count_only?: boolean;
}

/** An open watch. */
export interface Watch {
  /** The way to the gateway that watches. */
  link: object;
  /** The first revision that it brings. */
  from: number;
  lines: string[];
  cause: string | undefined;
}

export interface Etcd {
  world: World;
  revision: number;
  compacted: number;
  keys: LuaTable<string, Version[]>;
  names: string[];
  watches: Watch[];
  /** Until when there is no leader. */
  leaderless_until: number;
  /** The identity of the cluster, which most copies do not keep. */
  cluster_id: string;
  /** How often it has lost its data, at least in part. */
  losses: number;
  /** All versions that there have been, by key, with those that were lost. */
  log: LuaTable<string, Logged[]>;
  versions: number;
}

/** A version, with its number among all that there have been. */
export interface Logged extends Version {
  number: number;
}

const CLUSTER = "4711";

export function new_etcd(world: World): Etcd {
  return {
    ...{ world, revision: 1, compacted: 0, keys: new LuaTable(), names: [], watches: [] },
    ...{ leaderless_until: 0, cluster_id: CLUSTER, losses: 0, log: new LuaTable(), versions: 0 },
  };
}

/** Returns all versions of a key, the oldest first. */
export function versions_of({ keys }: Etcd, key: string): Version[] {
  return keys.get(key) ?? [];
}

/** Returns the version of a key at a revision; undefined: it does not exist then. */
export function version_at(etcd: Etcd, key: string, at = etcd.revision): Version | undefined {
  let found: Version | undefined;
  for (const version of versions_of(etcd, key)) {
    if (version.revision <= at) found = version;
  }
  return found?.value === undefined ? undefined : found;
}

/** Returns all versions of a key that there have been, the oldest first, with those that were lost. */
export function log_of({ log }: Etcd, key: string): Logged[] {
  return log.get(key) ?? [];
}

/** Ends all watches, as a member that loses its leader does, or those over a link. */
export function end_watches({ watches }: Etcd, cause: string, link?: object): void {
  for (const watch of watches) {
    if (link === undefined || watch.link === link) watch.cause = cause;
  }
}

/** Loses all data after a revision, as an etcd that is restored from a copy; 0: all data. */
export function lose_data(etcd: Etcd, after_revision: number): void {
  const { keys, names, world } = etcd;
  for (const name of names) {
    const kept = versions_of(etcd, name).filter(({ revision }) => revision <= after_revision);
    keys.set(name, kept);
  }
  etcd.revision = math.max(1, after_revision);
  etcd.compacted = math.min(etcd.compacted, after_revision);
  etcd.losses += 1;
  etcd.cluster_id = string.format("%s%d", CLUSTER, below(world.random, 1e6));
  end_watches(etcd, "could not read the answer: connection reset by peer");
}

export function digits(number: number): string {
  return string.format("%d", number);
}

function kv_text(key: string, { value, revision }: Version): object {
  return { key, value, mod_revision: digits(revision) };
}

function key_values(etcd: Etcd, key: string, at?: number): object[] {
  const version = version_at(etcd, key, at);
  return version === undefined ? [] : [kv_text(key, version)];
}

/** Returns the line of a watch for a version of a key. */
export function event_line(key: string, { value, revision }: Version): string {
  // Keys and values here have no characters that JSON escapes, except quotes.
  const quoted = (text: string) => `"${string.gsub(string.gsub(text, '[\\"]', "\\%0")[0], "\n", "\\n")[0]}"`;
  const kind = value === undefined ? '"type":"DELETE",' : "";
  const text = value === undefined ? "" : `,"value":${quoted(value)}`;
  return `{"result":{"events":[{${kind}"kv":{"key":${quoted(key)}${text},"mod_revision":"${digits(revision)}"}}]}}`;
}

function log_version(etcd: Etcd, key: string, version: Version): void {
  if (!etcd.log.has(key)) etcd.log.set(key, []);
  etcd.versions += 1;
  log_of(etcd, key).push({ ...version, number: etcd.versions });
}

function put(etcd: Etcd, key: string, value: string | undefined, revision: number): void {
  if (!etcd.keys.has(key)) {
    etcd.keys.set(key, []);
    etcd.names.push(key);
    table.sort(etcd.names);
  }
  const version = { value, revision };
  versions_of(etcd, key).push(version);
  log_version(etcd, key, version);
  const line = event_line(key, version);
  for (const { from, lines } of etcd.watches) if (revision >= from) lines.push(line);
}

function holds(etcd: Etcd, { key, target, mod_revision, value }: Compare): boolean {
  const version = version_at(etcd, key);
  return target === "MOD" ? (version?.revision ?? 0) === tonumber(mod_revision) : version?.value === value;
}

function transact(etcd: Etcd, { compare, success, failure }: Body): object {
  let succeeded = true;
  for (const condition of compare ?? []) succeeded = succeeded && holds(etcd, condition);
  const next = etcd.revision + 1;
  const responses: object[] = [];
  let has_changed = false;
  for (const { request_put, request_delete_range, request_range } of (succeeded ? success : failure) ?? []) {
    if (request_range !== undefined) {
      responses.push({ response_range: { kvs: key_values(etcd, request_range.key) } });
    } else {
      const key = request_put?.key ?? request_delete_range?.key ?? "";
      const is_there = version_at(etcd, key) !== undefined;
      if (request_put !== undefined || is_there) {
        put(etcd, key, request_put?.value, next);
        has_changed = true;
      }
      responses.push({});
    }
  }
  if (has_changed) etcd.revision = next;
  return { header: { revision: digits(etcd.revision), cluster_id: etcd.cluster_id }, succeeded, responses };
}

function range(etcd: Etcd, { key, range_end, revision, count_only }: Body): object | string {
  const at = tonumber(revision ?? "0") ?? 0;
  if (at > 0 && at < etcd.compacted)
    return "status 400: etcdserver: mvcc: required revision has been compacted";
  const header = { revision: digits(etcd.revision), cluster_id: etcd.cluster_id };
  if (count_only === true) return { header };
  const first = key ?? "";
  if (range_end === undefined) return { header, kvs: key_values(etcd, first, at > 0 ? at : undefined) };
  const kvs: object[] = [];
  for (const name of etcd.names) {
    if (name >= first && name < range_end) {
      for (const one of key_values(etcd, name, at > 0 ? at : undefined)) kvs.push(one);
    }
  }
  return { header, kvs };
}

/** Returns the answer to a request, or why there is none. */
export function answer_to(etcd: Etcd, path: string, body: Body): object | string {
  if (etcd.world.now < etcd.leaderless_until) return "status 503: etcdserver: no leader";
  if (path === "/v3/kv/txn") return transact(etcd, body);
  if (path === "/v3/lease/grant") return { ID: "7" };
  if (path === "/v3/kv/put") return transact(etcd, { success: [{ request_put: body as never }] });
  return range(etcd, body);
}
