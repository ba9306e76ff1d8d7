import { shape, shaped } from "../lib/json";
import { read_block, read_members, type Read, type Reader, type Readers, type ReadersOf } from "./fields";
import { invalid_value } from "./problem";
import { consul, consul_kv, type ConsulConfig, type ConsulKvConfig } from "./sources/consul";
import { dns, type DnsConfig } from "./sources/dns";
import { etcd, type EtcdConfig } from "./sources/etcd";
import { file, type FileConfig } from "./sources/file";
import type { Kind } from "./sources/kind";
import { kubernetes, type KubernetesConfig } from "./sources/kubernetes";
import { whole_from } from "./values";

/** The registries that there are, by name. */
export interface Sources {
  etcd?: EtcdConfig;
  consul?: ConsulConfig;
  consul_kv?: ConsulKvConfig;
  dns?: DnsConfig;
  kubernetes?: KubernetesConfig;
  file?: FileConfig;
}

export type SourceName = keyof Sources;

/** What an upstream's servers come from, beside those added by hand: at most one registry. */
export interface DiscoveryBlock extends Sources {
  /** A step that would remove more percent of the servers that a source has brought waits */
  max_removal_percent: number;
  /** for so many equal answers. It holds for servers that register themselves, too. */
  removal_confirmations: number;
}

/** Absent: servers are added by hand, and register themselves. */
export interface DiscoveryConfig {
  discovery?: DiscoveryBlock;
}

/** Its members, in the order in which they are shown and stored. */
export const DISCOVERY_FIELDS = ["discovery"] as const;

/** What holds where nothing else is said. */
export const GUARD_DEFAULTS = { max_removal_percent: 50, removal_confirmations: 3 };

export const KINDS: Record<SourceName, Kind> = { etcd, consul, consul_kv, dns, kubernetes, file };
const NAMES: SourceName[] = ["etcd", "consul", "consul_kv", "dns", "kubernetes", "file"];

const SHAPE = shape(NAMES, ["max_removal_percent", "removal_confirmations"]);
const SHAPES = {} as Record<SourceName, ReturnType<typeof shape>>;
const READERS: Readers = {
  max_removal_percent: whole_from(0, 100),
  removal_confirmations: whole_from(1, 1000),
} satisfies ReadersOf<Omit<DiscoveryBlock, SourceName>>;
for (const name of NAMES) {
  SHAPES[name] = shape(KINDS[name].fields);
  READERS[name] = KINDS[name].read;
}

/** The registry that a configuration names. Any phase. */
export function source_of(discovery: DiscoveryBlock | undefined): SourceName | undefined {
  for (const name of NAMES) {
    if (discovery?.[name] !== undefined) return name;
  }
  return undefined;
}

function read_discovery_block(this: void, path: string, value: unknown): Read {
  const [discovery, problem] = read_block(path, value, READERS, GUARD_DEFAULTS);
  if (discovery === undefined) return $multi(undefined, problem);
  let first: SourceName | undefined;
  for (const name of NAMES) {
    if (discovery[name] !== undefined && first !== undefined)
      return $multi(undefined, invalid_value(path, `"${first}" and "${name}" exclude each other`));
    if (discovery[name] !== undefined) first = name;
  }
  return $multi(discovery, undefined);
}

/** Copies what is of discovery, and nothing else, so that equals have equal JSON texts. Any phase. */
export function discovery_of({ discovery }: DiscoveryConfig): DiscoveryConfig {
  if (discovery === undefined) return {};
  const name = source_of(discovery);
  if (name !== undefined) shaped(discovery[name] as object, SHAPES[name]);
  return { discovery: shaped(discovery, SHAPE) };
}

const MEMBERS: [name: string, read: Reader][] = [["discovery", read_discovery_block]];

/**
 * Reads where servers come from, with defaults, or on top of `base` for a change. Any phase.
 *
 * @param input an object; members that are not in `DISCOVERY_FIELDS` are left to the caller
 * @returns the configuration, or undefined and the problem
 */
export function read_discovery(
  input: Record<string, unknown>,
  base?: DiscoveryConfig,
): Read<DiscoveryConfig> {
  const [members, problem] = read_members(input, base, MEMBERS);
  return $multi(members as DiscoveryConfig | undefined, problem);
}
