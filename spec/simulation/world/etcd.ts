import { sleep } from "./process";
import { after, count, happens, type World } from "./world";

/**
 * An etcd of the world: one history of revisions, reached over a network that loses and delays. Its clients
 * replace `net/etcd/client` and `net/stream`.
 */

interface Version {
  /** Undefined: the key was deleted. */
  value: string | undefined;
  revision: number;
}

interface Compare {
  key: string;
  target: "MOD" | "VALUE";
  mod_revision?: string;
  value?: string;
}

interface Operation {
  request_put?: { key: string; value: string };
  request_delete_range?: { key: string };
  request_range?: { key: string };
}

interface Body {
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
interface Watch {
  lines: string[];
  cause: string | undefined;
}

/** How the network treats the calls of one gateway. */
export interface Link {
  /** True: no connection is made. */
  is_cut: boolean;
  /** The probabilities that a request, or only its answer, is lost, and that a request arrives late. */
  loses_requests: number;
  loses_answers: number;
  delays: number;
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
}

const CLUSTER = "4711";
const TIMEOUT_SECONDS = 2;
const TIMED_OUT = "could not read the answer: timeout";
const LONGEST_LATENCY = 0.004;

export function new_etcd(world: World): Etcd {
  return {
    ...{ world, revision: 1, compacted: 0, keys: new LuaTable(), names: [], watches: [] },
    leaderless_until: 0,
  };
}

export function new_link(): Link {
  return { is_cut: false, loses_requests: 0, loses_answers: 0, delays: 0 };
}

/** Returns all versions of a key, the oldest first. */
export function versions_of({ keys }: Etcd, key: string): Version[] {
  return (keys.get(key) as Version[] | undefined) ?? [];
}

/** Returns the version of a key at a revision; undefined: it does not exist then. */
export function version_at(etcd: Etcd, key: string, at = etcd.revision): Version | undefined {
  let found: Version | undefined;
  for (const version of versions_of(etcd, key)) {
    if (version.revision <= at) found = version;
  }
  return found?.value === undefined ? undefined : found;
}

/** Ends all watches, as a member that loses its leader does. */
export function end_watches({ watches }: Etcd, cause: string): void {
  for (const watch of watches) watch.cause = cause;
}

function digits(number: number): string {
  return string.format("%d", number);
}

function kv_text(key: string, { value, revision }: Version): object {
  return { key, value, mod_revision: digits(revision) };
}

function key_values(etcd: Etcd, key: string, at?: number): object[] {
  const version = version_at(etcd, key, at);
  return version === undefined ? [] : [kv_text(key, version)];
}

function event_line(key: string, { value, revision }: Version): string {
  // Keys and values here have no characters that JSON escapes, except quotes.
  const quoted = (text: string) => `"${string.gsub(string.gsub(text, '[\\"]', "\\%0")[0], "\n", "\\n")[0]}"`;
  const kind = value === undefined ? '"type":"DELETE",' : "";
  const text = value === undefined ? "" : `,"value":${quoted(value)}`;
  return `{"result":{"events":[{${kind}"kv":{"key":${quoted(key)}${text},"mod_revision":"${digits(revision)}"}}]}}`;
}

function put(etcd: Etcd, key: string, value: string | undefined, revision: number): void {
  if (!etcd.keys.has(key)) {
    etcd.keys.set(key, []);
    etcd.names.push(key);
    table.sort(etcd.names);
  }
  const version = { value, revision };
  versions_of(etcd, key).push(version);
  const line = event_line(key, version);
  for (const { lines } of etcd.watches) lines.push(line);
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
  return { header: { revision: digits(etcd.revision), cluster_id: CLUSTER }, succeeded, responses };
}

function range(etcd: Etcd, { key, range_end, revision, count_only }: Body): object | string {
  const at = tonumber(revision ?? "0") ?? 0;
  if (at > 0 && at < etcd.compacted)
    return "status 400: etcdserver: mvcc: required revision has been compacted";
  const header = { revision: digits(etcd.revision), cluster_id: CLUSTER };
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

function answer_to(etcd: Etcd, path: string, body: Body): object | string {
  if (etcd.world.now < etcd.leaderless_until) return "status 503: etcdserver: no leader";
  if (path === "/v3/kv/txn") return transact(etcd, body);
  if (path === "/v3/lease/grant") return { ID: "7" };
  if (path === "/v3/kv/put") return transact(etcd, { success: [{ request_put: body as never }] });
  return range(etcd, body);
}

/** Calls etcd over a network. Returns the answer, or undefined and the cause. */
function call(
  etcd: Etcd,
  link: Link,
  path: string,
  body: Body,
): LuaMultiReturn<[object | undefined, string | undefined]> {
  const { world } = etcd;
  const { random } = world;
  sleep(random() * LONGEST_LATENCY);
  if (link.is_cut) return $multi(undefined, "could not connect: connection refused");
  if (happens(random, link.loses_requests)) {
    count(world, "requests to etcd lost");
    sleep(TIMEOUT_SECONDS);
    return $multi(undefined, TIMED_OUT);
  }
  if (happens(random, link.delays)) {
    count(world, "requests to etcd late");
    after(world, TIMEOUT_SECONDS * 1.2 * random(), () => {
      answer_to(etcd, path, body);
    });
    sleep(TIMEOUT_SECONDS);
    return $multi(undefined, TIMED_OUT);
  }
  const answer = answer_to(etcd, path, body);
  if (happens(random, link.loses_answers)) {
    count(world, "answers of etcd lost");
    sleep(TIMEOUT_SECONDS);
    return $multi(undefined, TIMED_OUT);
  }
  sleep(random() * LONGEST_LATENCY);
  if (typeof answer === "string") return $multi(undefined, answer);
  return $multi(answer, undefined);
}

const QUIET = "nothing has come";
const POLL_SECONDS = 0.02;

/** Returns the modules through which a process of a gateway reaches etcd. */
export function etcd_modules(etcd: Etcd, link: Link): Record<string, unknown> {
  return {
    "net/etcd/client": {
      ETCD: "etcd",
      TOO_LARGE: "the answer is too large",
      ANYTHING: { members: {} },
      LONGEST_PAGE_SECONDS: 10,
      new_etcd_client: () => ({ service: { destination: {} } }),
      log_in: () => true,
      etcd_request: (_client: object, _path: string, body: string) => body,
      call: (_client: object, path: string, body: Body) => call(etcd, link, path, body),
    },
    "net/stream": {
      describe: (status: number) => `status ${status}`,
      is_quiet: (cause: string | undefined) => cause === QUIET,
      close_stream: () => undefined,
      open_stream: (_destination: object, text: string) => open_stream(etcd, link, text),
      next_line: (watch: Watch, seconds: number) => next_line(etcd, link, watch, seconds),
    },
  };
}

function open_stream(
  etcd: Etcd,
  link: Link,
  text: string,
): LuaMultiReturn<[Watch | undefined, string | undefined]> {
  sleep(etcd.world.random() * LONGEST_LATENCY);
  if (link.is_cut || etcd.world.now < etcd.leaderless_until)
    return $multi(undefined, "could not connect: connection refused");
  const from = tonumber(string.match(text, '"start_revision":"(%d+)"')[0]) ?? 0;
  const watch: Watch = { lines: [], cause: undefined };
  if (from <= etcd.compacted)
    watch.lines.push(`{"result":{"canceled":true,"compact_revision":"${digits(etcd.compacted)}"}}`);
  const missed: { key: string; version: Version }[] = [];
  for (const key of etcd.names) {
    for (const version of versions_of(etcd, key)) if (version.revision >= from) missed.push({ key, version });
  }
  table.sort(missed, (a, b) => a.version.revision < b.version.revision);
  for (const { key, version } of missed) watch.lines.push(event_line(key, version));
  etcd.watches.push(watch);
  return $multi(watch, undefined);
}

function next_line(
  etcd: Etcd,
  link: Link,
  watch: Watch,
  seconds: number,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  const until = etcd.world.now + seconds;
  do {
    if (link.is_cut) watch.cause = "could not read the answer: connection reset by peer";
    const line = watch.cause === undefined ? watch.lines.shift() : undefined;
    if (line !== undefined) return $multi(line, undefined);
    if (watch.cause !== undefined) return $multi(undefined, watch.cause);
    sleep(POLL_SECONDS);
  } while (etcd.world.now < until);
  return $multi(undefined, QUIET);
}
