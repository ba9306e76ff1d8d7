import { read_block, type Read, type Readers, type ReadersOf } from "../fields";
import { missing_argument } from "../problem";
import { list_of, read_url, text_to } from "../texts";
import type { Kind } from "./kind";
import { check_tls, read_tls, type TlsConfig } from "./tls";

/** Where Consul is. */
export interface ConsulAddress {
  address: string;
  datacenter?: string;
  token?: string;
  tls?: TlsConfig;
}

/** The passing instances of a Consul service are an upstream's servers. */
export interface ConsulConfig extends ConsulAddress {
  service: string;
  /** An instance must have all of them. */
  tags?: string[];
}

/** The keys below a prefix of Consul's KV store are an upstream's servers, as nginx-upsync-module has them. */
export interface ConsulKvConfig extends ConsulAddress {
  prefix: string;
}

const MOST_TAGS = 16;
const ADDRESS_READERS: Readers = {
  address: read_url,
  datacenter: text_to(128),
  token: text_to(256),
  tls: read_tls,
} satisfies ReadersOf<ConsulAddress>;
const SECRETS = ["token"];

function read_consul(path: string, value: unknown, own: Readers, wanted: string): Read {
  const [consul, problem] = read_block(path, value, { ...ADDRESS_READERS, ...own }, {});
  if (consul === undefined) return $multi(undefined, problem);
  for (const name of ["address", wanted]) {
    if (consul[name] === undefined) return $multi(undefined, missing_argument(`${path}.${name}`));
  }
  const unfit = check_tls(path, consul.tls, [consul.address as string]);
  return $multi(unfit === undefined ? consul : undefined, unfit);
}

export const consul: Kind = {
  read: (path, value) => {
    const own = { service: text_to(256), tags: list_of(text_to(128), MOST_TAGS) } satisfies ReadersOf<
      Omit<ConsulConfig, keyof ConsulAddress>
    >;
    return read_consul(path, value, own, "service");
  },
  fields: ["address", "service", "tags", "datacenter", "token", "tls"],
  secrets: SECRETS,
};

export const consul_kv: Kind = {
  read: (path, value) => {
    const own = { prefix: text_to(512) } satisfies ReadersOf<Omit<ConsulKvConfig, keyof ConsulAddress>>;
    return read_consul(path, value, own, "prefix");
  },
  fields: ["address", "prefix", "datacenter", "token", "tls"],
  secrets: SECRETS,
};
