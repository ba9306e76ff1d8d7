import { is_table } from "../lib/json";
import { read_etcd, type EtcdConfig } from "./sources/etcd";
import { check_name, read_upstream, type UpstreamConfig } from "./upstream";

/** Who may use the HTTP API, and where it is. */
export interface ApiOptions {
  /** The location's path. */
  prefix: string;
  /** False: every change is refused with 405. */
  write: boolean;
  /** A change needs one of these; none: only local changes. */
  write_tokens: string[];
  /** A file with more of them, one a line. */
  write_tokens_file: string | undefined;
  /** Reading needs one of these or of `write_tokens`; none: local reading, or with a write token. */
  read_tokens: string[];
  /** A file with more of them, one a line. */
  read_tokens_file: string | undefined;
  /** Host names, beside IP addresses and `localhost`, by which the API may be asked. */
  hosts: string[];
  /** Origins, beside the API's own, whose pages may use the API in a browser. */
  origins: string[];
}

/** What `setup` takes. */
export interface Options {
  /** The folder that keeps the state; absent: memory only. */
  state_dir: string | undefined;
  /** Force each write to the disk before it is acknowledged. */
  fsync: boolean;
  /** The name of the `lua_shared_dict`. */
  shared_dict: string;
  api: ApiOptions;
  /** The etcd by which several gateways share their upstreams; absent: this one is alone. */
  cluster: EtcdConfig | undefined;
  /** Upstreams to begin with, by name. */
  upstreams: LuaTable<string, UpstreamConfig>;
}

type Table = Record<string, unknown>;

function expect_type(input: Table, path: string, name: string, expected: string): unknown {
  const value = input[name];
  if (value !== undefined && type(value) !== expected)
    error(`invalid "${path}${name}" value: not a ${expected}`, 0);
  return value;
}

function refuse_unknown(input: Table, path: string, known: Table): void {
  for (const [name] of pairs(input)) {
    if (known[name] !== true) error(`unknown parameter "${path}${tostring(name)}"`, 0);
  }
}

function strings(input: Table, path: string, name: string): string[] {
  const value = (expect_type(input, path, name, "table") as unknown[] | undefined) ?? [];
  for (const [key, item] of pairs(value as unknown as LuaTable<AnyNotNil, unknown>)) {
    if (typeof key !== "number" || typeof item !== "string" || string.find(item, "^%S+$")[0] === undefined) {
      error(`invalid "${path}${name}" value: not a list of strings without spaces`, 0);
    }
  }
  return value as string[];
}

/** Tells whether a browser can send a text as an origin: it leaves out the path and the scheme's own port. */
function is_origin(text: string): boolean {
  const [scheme, authority] = string.match(text, "^(%a[%w+.-]*)://([^/?#@,]+)$");
  if (scheme === undefined || authority === undefined) return false;
  const own_port = { http: ":80", https: ":443" }[string.lower(scheme)];
  return own_port === undefined || string.sub(authority, -own_port.length) !== own_port;
}

function read_origins(input: Table): string[] {
  const origins = strings(input, "api.", "origins");
  for (const origin of origins) {
    if (!is_origin(origin))
      error(`invalid "api.origins" value: "${origin}" is not an origin such as "https://example.com"`, 0);
  }
  return origins;
}

function read_api(input: Table): ApiOptions {
  refuse_unknown(input, "api.", {
    prefix: true,
    write: true,
    write_tokens: true,
    write_tokens_file: true,
    read_tokens: true,
    read_tokens_file: true,
    hosts: true,
    origins: true,
  } satisfies Record<keyof ApiOptions, true>);
  const prefix = (expect_type(input, "api.", "prefix", "string") as string | undefined) ?? "/api";
  if (string.find(prefix, "^/[%w%._~/-]*[%w%._~-]$")[0] === undefined) {
    error('invalid "api.prefix" value: not a path such as "/api"', 0);
  }
  return {
    prefix,
    write: (expect_type(input, "api.", "write", "boolean") as boolean | undefined) ?? true,
    write_tokens: strings(input, "api.", "write_tokens"),
    write_tokens_file: expect_type(input, "api.", "write_tokens_file", "string") as string | undefined,
    read_tokens: strings(input, "api.", "read_tokens"),
    read_tokens_file: expect_type(input, "api.", "read_tokens_file", "string") as string | undefined,
    hosts: strings(input, "api.", "hosts"),
    origins: read_origins(input),
  };
}

function read_cluster(input: Table): EtcdConfig {
  refuse_unknown(input, "cluster.", { etcd: true });
  const [etcd, problem] = read_etcd("cluster.etcd", input.etcd);
  if (etcd === undefined) return error(problem?.text ?? "", 0);
  const config = etcd as unknown as EtcdConfig;
  // Names of upstreams may begin with any other separator, so keys of another prefix could be taken for them.
  if (string.sub(config.prefix, -1) !== "/") config.prefix = `${config.prefix}/`;
  return config;
}

function read_seeds(input: Table): LuaTable<string, UpstreamConfig> {
  const seeds = new LuaTable<string, UpstreamConfig>();
  for (const [name, value] of pairs(input)) {
    const [upstream, problem] = read_upstream(value);
    const first = check_name(name) ?? problem;
    if (first !== undefined) error(`upstreams.${tostring(name)}: ${first.text}`, 0);
    if (upstream !== undefined) seeds.set(name, upstream);
  }
  return seeds;
}

const KNOWN = {
  state_dir: true,
  fsync: true,
  shared_dict: true,
  api: true,
  cluster: true,
  upstreams: true,
} satisfies Record<keyof Options, true>;

/**
 * Reads what `setup` was given, with defaults. Phase: init_by_lua.
 *
 * Raises a text that names the field and the reason.
 */
export function read_options(input: unknown): Options {
  if (!is_table(input)) return error("setup needs a table of options", 0);
  refuse_unknown(input, "", KNOWN);
  const state_dir = expect_type(input, "", "state_dir", "string") as string | undefined;
  if (state_dir === "") error('invalid "state_dir" value: empty', 0);
  const cluster = expect_type(input, "", "cluster", "table") as Table | undefined;
  return {
    state_dir,
    cluster: cluster === undefined ? undefined : read_cluster(cluster),
    fsync: (expect_type(input, "", "fsync", "boolean") as boolean | undefined) ?? false,
    shared_dict: (expect_type(input, "", "shared_dict", "string") as string | undefined) ?? "sluice",
    api: read_api((expect_type(input, "", "api", "table") as Table | undefined) ?? {}),
    upstreams: read_seeds((expect_type(input, "", "upstreams", "table") as Table | undefined) ?? {}),
  };
}
