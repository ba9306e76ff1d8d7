import { block, optional, with_default, type Block, type ConfigOf } from "./block";
import { invalid_value, type Problem } from "./problem";
import { CONSUL, CONSUL_KV } from "./sources/consul";
import { DNS } from "./sources/dns";
import { DOCKER } from "./sources/docker";
import { ETCD } from "./sources/etcd";
import { FILE_SOURCE } from "./sources/file";
import { KUBERNETES } from "./sources/kubernetes";
import { TEMPLATE } from "./sources/template";
import { whole_from } from "./values";

const SOURCES = block({
  etcd: optional(ETCD),
  consul: optional(CONSUL),
  consul_kv: optional(CONSUL_KV),
  dns: optional(DNS),
  docker: optional(DOCKER),
  kubernetes: optional(KUBERNETES),
  file: optional(FILE_SOURCE),
  template: optional(TEMPLATE),
});

/** The name of a registry in `discovery`. */
export type SourceName = keyof typeof SOURCES.options;

/** Returns the problem of a configuration with more than one of some registries. */
export function check_one_source(
  names: readonly string[],
  path: string,
  config: Record<string, unknown>,
): Problem | undefined {
  let first: string | undefined;
  for (const name of names) {
    const is_given = config[name] !== undefined;
    if (is_given && first !== undefined)
      return invalid_value(path, `must not have both "${first}" and "${name}"`);
    if (is_given) first = name;
  }
  return undefined;
}

/** The registry that supplies an upstream's servers, at most one, and how much of its answers to believe. */
export const DISCOVERY = block(
  {
    ...SOURCES.options,
    /**
     * A change that would remove more than this percentage of the servers of a registry, or of those that
     * register themselves, needs confirmation.
     */
    max_removal_percent: with_default(whole_from(0, 100), 50),
    /** Number of equal answers that confirm such a change. */
    removal_confirmations: with_default(whole_from(1, 1000), 3),
  },
  (path, config) => check_one_source(SOURCES.names, path, config),
);
export type DiscoveryBlock = ConfigOf<typeof DISCOVERY>;

/** The blocks of the registries by their names. */
export const SOURCE_BLOCKS = {} as Record<SourceName, Block>;
for (const [name, its_block] of SOURCES.blocks) SOURCE_BLOCKS[name as SourceName] = its_block;

/** Returns the registry whose entries become an upstream's servers, also that of a template. Any phase. */
export function registry_of(discovery: DiscoveryBlock | undefined): SourceName | undefined {
  return discovery?.template?.source ?? source_of(discovery);
}

/** Tells whether a template has made an upstream, and feeds it. Any phase. */
export function is_made(discovery: DiscoveryBlock | undefined): boolean {
  return discovery?.template !== undefined;
}

/** The guard against removals without `discovery`, for servers that register themselves. */
export const GUARD_DEFAULTS = DISCOVERY.read("discovery", {})[0] as DiscoveryBlock;

/** Returns the registry that a configuration names. Any phase. */
export function source_of(discovery: DiscoveryBlock | undefined): SourceName | undefined {
  for (const name of SOURCES.names) {
    if (discovery?.[name as SourceName] !== undefined) return name as SourceName;
  }
  return undefined;
}
