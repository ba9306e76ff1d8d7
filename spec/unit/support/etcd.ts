import type { EtcdConfig } from "../../../src/resty/sluice/config/sources/etcd";
import type { EtcdClient, Refusal } from "../../../src/resty/sluice/net/etcd/client";

/**
 * A small etcd in memory. It replaces `net/etcd/client`, and must be imported before any module that uses the
 * client. It keeps every revision of every key, and supports transactions, ranges of one key, and reads at a
 * revision.
 */

export interface Version {
  /** Undefined: the key was deleted. */
  value: string | undefined;
  revision: number;
}

export interface Compare {
  key: string;
  target: "MOD" | "VALUE";
  mod_revision?: string;
  value?: string;
}

export interface Operation {
  request_put?: { key: string; value: string };
  request_delete_range?: { key: string };
  request_range?: { key: string };
}

interface TxnBody {
  compare: Compare[];
  success?: Operation[];
  failure?: Operation[];
}

/** A call that fails. */
export interface Failure {
  cause: string;
  refusal?: Refusal;
  /** True: etcd makes the change, and only its answer is lost. */
  is_made?: boolean;
  /** Called after the failure, to make changes of other programs. */
  after?: (this: void) => void;
}

let keys = new LuaTable<string, Version[]>();
let revision = 0;
let failures: Failure[] = [];
/** Number of calls. */
let calls = 0;

export const ETCD_CONFIG: EtcdConfig = {
  endpoints: ["http://127.0.0.1:1", "http://127.0.0.1:2"],
  prefix: "/s/",
};

/** Empties etcd, and makes the next calls fail, one for each failure. */
export function reset_etcd(...next_failures: Failure[]): void {
  keys = new LuaTable();
  revision = 1;
  calls = 0;
  failures = next_failures;
}

/** Makes the next calls fail, one for each failure. */
export function fail_next(...next_failures: Failure[]): void {
  failures = next_failures;
}

/** Returns the number of calls since `reset_etcd`. */
export function call_count(): number {
  return calls;
}

function versions_of(key: string): Version[] {
  return keys.get(key) ?? [];
}

/** Returns the version of a key at a revision; undefined: it does not exist then. */
function version_at(key: string, at = revision): Version | undefined {
  let found: Version | undefined;
  for (const version of versions_of(key)) {
    if (version.revision <= at) found = version;
  }
  return found?.value === undefined ? undefined : found;
}

/** Puts a key, as another program does, or deletes it. Returns the new revision. */
export function etcd_put(key: string, value: string | undefined): number {
  revision += 1;
  keys.set(key, [...versions_of(key), { value, revision }]);
  return revision;
}

/** Returns the value of a key; undefined: it does not exist. */
export function etcd_value(key: string): string | undefined {
  return version_at(key)?.value;
}

function key_values(key: string, at?: number): object[] {
  const version = version_at(key, at);
  if (version === undefined) return [];
  return [{ key, value: version.value, mod_revision: string.format("%d", version.revision) }];
}

function holds({ key, target, mod_revision, value }: Compare): boolean {
  const version = version_at(key);
  return target === "MOD" ? (version?.revision ?? 0) === tonumber(mod_revision) : version?.value === value;
}

function header(): object {
  return { revision: string.format("%d", revision) };
}

function transact({ compare, success, failure }: TxnBody): object {
  let succeeded = true;
  for (const condition of compare) succeeded = succeeded && holds(condition);
  const operations = (succeeded ? success : failure) ?? [];
  const next = revision + 1;
  const responses: object[] = [];
  for (const { request_put, request_delete_range, request_range } of operations) {
    const key = request_put?.key ?? request_delete_range?.key ?? "";
    if (request_range !== undefined) {
      responses.push({ response_range: { kvs: key_values(request_range.key) } });
    } else {
      keys.set(key, [...versions_of(key), { value: request_put?.value, revision: next }]);
      revision = next;
      responses.push({});
    }
  }
  return { header: header(), succeeded, responses };
}

function answer_to(path: string, body: unknown): object {
  if (path === "/v3/kv/txn") return transact(body as TxnBody);
  const { key, revision: at } = body as { key: string; revision: string };
  return { header: header(), kvs: key_values(key, at === "0" ? undefined : tonumber(at)) };
}

function call(
  this: void,
  _client: EtcdClient,
  path: string,
  body: unknown,
): LuaMultiReturn<[object | undefined, string | undefined, Refusal | undefined]> {
  calls += 1;
  const failure = failures.shift();
  if (failure === undefined) return $multi(answer_to(path, body), undefined, undefined);
  if (failure.is_made === true) answer_to(path, body);
  failure.after?.();
  return $multi(undefined, failure.cause, failure.refusal);
}

const client_module = {
  ETCD: "etcd",
  TOO_LARGE: "the answer is too large",
  new_etcd_client: (_etcd: EtcdConfig, member: number) => ({ service: { destination: {} }, member }),
  log_in: () => true,
  call,
};

const { preload } = (_G as unknown as { package: { preload: Record<string, unknown> } }).package;
preload["src.resty.sluice.net.etcd.client"] = () => client_module;

/** Adds the functions of `ngx` that the cluster's modules need. Base64 is replaced by the identity. */
export function stub_ngx(): void {
  const globals = _G as unknown as { ngx?: Record<string, unknown> };
  const same = (text: string) => text;
  globals.ngx = {
    ...globals.ngx,
    encode_base64: same,
    decode_base64: same,
    worker: { pid: () => 1, id: () => 0, exiting: () => false },
    now: () => os.time(),
  };
}
