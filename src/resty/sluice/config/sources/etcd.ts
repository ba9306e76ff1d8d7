import { block, optional, required, secret, type ConfigOf } from "../block";
import { parse_key_prefix } from "../key_prefix";
import { invalid_value, type Problem } from "../problem";
import { refuse, type Read } from "../reader";
import { read_url, text_to } from "../texts";
import { list_of } from "../values";
import { check_tls, TLS } from "./tls";

const MOST_ENDPOINTS = 16;
const read_prefix = text_to(512);

interface Etcd {
  endpoints: string[];
  user?: string;
  password?: string;
  tls?: { verify: boolean };
}

function check_etcd(this: void, path: string, { endpoints, user, password, tls }: Etcd): Problem | undefined {
  if ((user === undefined) !== (password === undefined))
    return invalid_value(path, 'must have both "user" and "password", or neither');
  return check_tls(path, tls, endpoints);
}

function read_key_prefix(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_prefix(path, value);
  if (text === undefined) return $multi(undefined, problem);
  const [prefix, reason] = parse_key_prefix(text);
  if (prefix === undefined) return refuse(path, reason ?? "");
  return $multi(text, undefined);
}

/** Where etcd is. */
const ETCD_CLUSTER = {
  /** Members of the etcd cluster, each `http://` or `https://`; if one fails, the next is asked. */
  endpoints: required(list_of(read_url, MOST_ENDPOINTS)),
  /** Requires `password`. */
  user: optional(text_to(128)),
  password: secret(optional(text_to(256))),
  tls: optional(TLS),
};

/** An etcd cluster and a prefix of keys. */
export const ETCD = block({ ...ETCD_CLUSTER, prefix: required(read_prefix) }, check_etcd);
export type EtcdConfig = ConfigOf<typeof ETCD>;

/** The keys below a prefix become servers of upstreams, whose names are in the keys. */
export const ETCD_TEMPLATE = block(
  {
    ...ETCD_CLUSTER,
    /** The prefix of an upstream's keys, with `{name}` where its name is, such as `/upstreams/{name}/`. */
    prefix: required(read_key_prefix),
  },
  check_etcd,
);
export type EtcdTemplateConfig = ConfigOf<typeof ETCD_TEMPLATE>;
