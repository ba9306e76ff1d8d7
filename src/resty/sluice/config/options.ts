import { UNIX, type AddressRules } from "../lib/address_rules";
import { is_table } from "../lib/json";
import { read_certificates } from "./access";
import {
  address_rules_of,
  check_etcd_places,
  check_places,
  check_registry,
  check_resolver_places,
  GUARD,
} from "./address_rules";
import { block, optional, required, with_default, type ConfigOf } from "./block";
import { format_problem, invalid_value, type Problem } from "./problem";
import { refuse, type Read, type Reader } from "./reader";
import { RESOLVER } from "./resolver";
import { ETCD } from "./sources/etcd";
import { check_name } from "./name";
import { read_upstream, type UpstreamConfig } from "./upstream";
import { UPSTREAM_TEMPLATE, type UpstreamTemplate } from "./upstream_template";
import { size_from } from "./size";
import { text_to } from "./texts";
import { list_of, read_flag, read_string, whole_from } from "./values";

const MOST_ITEMS = 10000;
const NONE: string[] = [];

function read_folder(this: void, path: string, value: unknown): Read<string> {
  if (value === "") return refuse(path, "must not be empty");
  return read_string(path, value);
}

function read_word(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.find(value, "^%S+$")[0] === undefined)
    return refuse(path, "must be a non-empty string without spaces");
  return $multi(value, undefined);
}

/**
 * Tells whether a browser can send a text as an origin: it omits the path and the default port of the scheme.
 */
function is_origin(text: string): boolean {
  const [scheme, authority] = string.match(text, "^(%a[%w+.-]*)://([^/?#@,]+)$");
  if (scheme === undefined || authority === undefined) return false;
  const own_port = { http: ":80", https: ":443" }[string.lower(scheme)];
  return own_port === undefined || string.sub(authority, -own_port.length) !== own_port;
}

function read_origin(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_word(path, value);
  if (text === undefined) return $multi(undefined, problem);
  if (!is_origin(text))
    return refuse(path, `must be an origin such as "https://example.com", unlike "${text}"`);
  return $multi(text, undefined);
}

function read_prefix(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.find(value, "^/[%w%._~/-]*[%w%._~-]$")[0] === undefined)
    return refuse(path, 'must be a path such as "/api"');
  return $multi(value, undefined);
}

function words<T extends string>(read: Reader<T>): Reader<T[]> {
  return list_of(read, MOST_ITEMS, 0);
}

/** The metrics for Prometheus. */
export const METRICS = block({
  /** Show metrics of each server. False: only those of each upstream. */
  per_server: with_default(read_flag, true),
  /** Show the number of a server's responses by status code, in addition to the class of the code. */
  codes: with_default(read_flag, false),
});

/** The HTTP API: its path, and which clients may use it. */
export const API = block({
  /** Path of the API's location. */
  prefix: with_default(read_prefix, "/api"),
  /** False: every change is answered with 405. */
  write: with_default(read_flag, true),
  /** Tokens of which a change needs one. Default: none, only local clients may change anything. */
  write_tokens: with_default(words(read_word), NONE),
  /** File with more of these tokens, one per line, read at start and at reload. Default: none. */
  write_tokens_file: optional(read_string),
  /** Tokens of which reading needs one, or one of `write_tokens`. Default: none, local clients may read. */
  read_tokens: with_default(words(read_word), NONE),
  /** File with more of these tokens, one per line, read at start and at reload. Default: none. */
  read_tokens_file: optional(read_string),
  /**
   * File with named tokens: a JSON list of objects with `name`, `sha256` or `token`, `role`, `upstreams` and
   * `expires`. It is read again when it has changed. With it, local clients need a token too. Default: none.
   */
  tokens_file: optional(read_string),
  /**
   * What clients with a verified TLS certificate may do, by its subject as in nginx's `$ssl_client_s_dn`.
   * With it, local clients need a certificate or a token too. Default: none.
   */
  certificates: optional(read_certificates),
  /**
   * File to which each change and each refusal is appended as a line of JSON; in a container, it may be
   * `/dev/stdout`. Default: none.
   */
  audit_log: optional(read_string),
  /**
   * Host names in addition to IP addresses and `localhost` that requests to the API may name. Default: none.
   */
  hosts: with_default(words(read_word), NONE),
  /**
   * Origins in addition to the API's own whose pages may use the API, such as `"https://example.com"`.
   * Default: none.
   */
  origins: with_default(words(read_origin), NONE),
  /** The metrics for Prometheus. */
  metrics: with_default(METRICS, { per_server: true, codes: false }),
  /** Upper bound on the number of clients that follow the event stream at a time. */
  streams: with_default(whole_from(0, 10000), 64),
  /** Serve the dashboard. */
  dashboard: with_default(read_flag, true),
});
export type ApiOptions = ConfigOf<typeof API>;

/** How much of the history is kept in `state_dir`. */
export const HISTORY = block({
  /** The number of changes that are kept at least, unless they exceed `max_size`. 0: no history. */
  changes: with_default(whole_from(0, 100000), 1000),
  /** Upper bound on the size of the two files of the history. Each may exceed its half by one change. */
  max_size: with_default(size_from("64k", "1g"), "16m"),
});

/** How several gateways share their upstreams. */
export const CLUSTER = block(
  {
    etcd: required(ETCD),
  },
  (_path, { etcd }) => {
    // Names of upstreams may begin with any other separator, so keys of another prefix could be taken for
    // them.
    if (string.sub(etcd.prefix, -1) !== "/") etcd.prefix = `${etcd.prefix}/`;
    return undefined;
  },
);

function read_upstreams(this: void, path: string, value: unknown): Read<LuaTable<string, UpstreamConfig>> {
  if (!is_table(value)) return refuse(path, "must be an object");
  const upstreams = new LuaTable<string, UpstreamConfig>();
  for (const [name, its_value] of pairs(value)) {
    const [upstream, invalid] = read_upstream(its_value);
    const problem = check_name(name) ?? invalid;
    if (problem !== undefined)
      return $multi(undefined, format_problem(`${path}.${tostring(name)}: ${problem.text}`));
    if (upstream !== undefined) upstreams.set(name, upstream);
  }
  return $multi(upstreams, undefined);
}

/** The options of `setup`. */
export const OPTIONS = block({
  /**
   * Folder of the saved state; it is created if it does not exist. Default: none, the state is kept in memory
   * only.
   */
  state_dir: optional(read_folder),
  /** Force each change to the disk before it is acknowledged. */
  fsync: with_default(read_flag, false),
  /** How much of the history is kept in `state_dir`. */
  history: with_default(HISTORY, { changes: 1000, max_size: "16m" }),
  /** Name of the `lua_shared_dict`. */
  shared_dict: with_default(read_string, "sluice"),
  /** The HTTP API: its path, and which clients may use it. */
  api: optional(API),
  /** Shares the upstreams with other gateways. Default: none. */
  cluster: optional(CLUSTER),
  /** Makes upstreams from the entries of a registry. Default: none. */
  discovery: optional(UPSTREAM_TEMPLATE),
  /** Where servers, health checks, registries, agents and webhooks may be. Default: anywhere. */
  guard: optional(GUARD),
  /**
   * The DNS servers for host names of servers, registries and webhooks. Default: those of `/etc/resolv.conf`,
   * with its options, and `/etc/hosts`.
   */
  resolver: optional(RESOLVER),
  /** Zone in which this gateway runs, such as `"eu-1a"`; at most 64 bytes. Default: none. */
  zone: optional(text_to(64)),
  /**
   * Upstreams to create at the first start, by name. An upstream that the saved state contains, or that was
   * deleted, is not changed, and a warning lists it. Default: none.
   */
  upstreams: optional(read_upstreams),
});

/** The options of `setup`, completed. */
export interface Options extends Omit<ConfigOf<typeof OPTIONS>, "cluster"> {
  api: ApiOptions;
  /** The etcd by which several gateways share their upstreams. Absent: this gateway is alone. */
  cluster: ConfigOf<typeof ETCD> | undefined;
  upstreams: LuaTable<string, UpstreamConfig>;
}

function check_template_places(rules: AddressRules, template: UpstreamTemplate): Problem | undefined {
  const { etcd, consul, docker, upstream } = template;
  const problem = check_registry(rules, { etcd, consul, docker });
  if (problem !== undefined) return problem;
  const misplaced = upstream === undefined ? undefined : check_places(rules, upstream, []);
  if (misplaced === undefined) return undefined;
  return { ...misplaced, text: `discovery.upstream: ${misplaced.text}` };
}

/** Returns the problem of a registry that the gateways of a cluster cannot have in common. */
function check_shared_registry({ cluster, discovery }: ConfigOf<typeof OPTIONS>): Problem | undefined {
  const endpoint = discovery?.docker?.endpoint;
  if (cluster === undefined || endpoint === undefined) return undefined;
  if (string.sub(endpoint, 1, UNIX.length) !== UNIX) return undefined;
  return invalid_value(
    "discovery.docker.endpoint",
    'must not be a unix socket together with "cluster": all gateways must follow the same engine',
  );
}

/** Checks where the options point. Returns the problem. */
function check_all_places(
  rules: AddressRules,
  {
    cluster,
    discovery,
    resolver,
    upstreams = new LuaTable<string, UpstreamConfig>(),
  }: ConfigOf<typeof OPTIONS>,
): Problem | undefined {
  for (const [name, upstream] of pairs(upstreams)) {
    const problem = check_places(rules, upstream, upstream.servers);
    if (problem !== undefined) return { ...problem, text: `upstreams.${name}: ${problem.text}` };
  }
  return (
    check_resolver_places(rules, "resolver.addresses", resolver?.addresses) ??
    check_etcd_places(rules, "cluster.etcd", cluster?.etcd) ??
    (discovery === undefined ? undefined : check_template_places(rules, discovery))
  );
}

/**
 * Reads the options of `setup`, with defaults. Phase: init_by_lua.
 *
 * Raises a text that names the field and the reason.
 */
export function read_options(input: unknown): Options {
  if (!is_table(input)) return error("setup() needs a table of options", 0);
  const [options, problem] = OPTIONS.read("", input);
  if (options === undefined) return error(problem?.text ?? "", 0);
  const misplaced =
    check_shared_registry(options) ?? check_all_places(address_rules_of(options.guard), options);
  if (misplaced !== undefined) return error(misplaced.text, 0);
  return {
    ...options,
    api: options.api ?? (API.read("api", {})[0] as ApiOptions),
    cluster: options.cluster?.etcd,
    upstreams: options.upstreams ?? new LuaTable<string, UpstreamConfig>(),
  };
}
