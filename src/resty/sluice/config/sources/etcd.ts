import { read_block, type Read, type ReadersOf } from "../fields";
import { invalid_value, missing_argument } from "../problem";
import { list_of, read_url, text_to } from "../texts";
import type { Kind } from "./kind";
import { check_tls, read_tls, type TlsConfig } from "./tls";

/** Where etcd is. */
export interface EtcdAddress {
  /** Members of one cluster: when one fails, the next is asked. */
  endpoints: string[];
  user?: string;
  password?: string;
  tls?: TlsConfig;
}

/** An etcd whose keys below a prefix are an upstream's servers. */
export interface EtcdConfig extends EtcdAddress {
  prefix: string;
}

const MOST_ENDPOINTS = 16;

/** What its members are. */
export const ETCD_READERS = {
  endpoints: list_of(read_url, MOST_ENDPOINTS),
  prefix: text_to(512),
  user: text_to(128),
  password: text_to(256),
  tls: read_tls,
} satisfies ReadersOf<EtcdConfig>;

/** Reads an etcd and a prefix. Any phase. */
export function read_etcd(this: void, path: string, value: unknown): Read {
  const [etcd, problem] = read_block(path, value, ETCD_READERS, {});
  if (etcd === undefined) return $multi(undefined, problem);
  for (const name of ["endpoints", "prefix"]) {
    if (etcd[name] === undefined) return $multi(undefined, missing_argument(`${path}.${name}`));
  }
  if ((etcd.user === undefined) !== (etcd.password === undefined))
    return $multi(undefined, invalid_value(path, '"user" and "password" come together'));
  const unfit = check_tls(path, etcd.tls, etcd.endpoints as string[]);
  return $multi(unfit === undefined ? etcd : undefined, unfit);
}

export const etcd: Kind = {
  read: read_etcd,
  fields: ["endpoints", "prefix", "user", "password", "tls"],
  secrets: ["password"],
};
