import { block, optional, required, secret, type ConfigOf } from "../block";
import type { Problem } from "../problem";
import { read_url, text_to } from "../texts";
import { list_of } from "../values";
import { check_tls, TLS } from "./tls";

const MOST_TAGS = 16;

/** Where Consul is. */
const CONSUL_SERVER = {
  /** An `http://` or `https://` address. */
  address: required(read_url),
  datacenter: optional(text_to(128)),
  token: secret(optional(text_to(256))),
  tls: optional(TLS),
};

/** Which instances of a service are used, and where they are. */
const INSTANCES = {
  /** An expression in Consul's language that selects instances, such as `Service.Meta.version == "2"`. */
  filter: optional(text_to(2048)),
  /**
   * Key of the zone in the metadata of an instance, else of its node; where neither has it, the zone is the
   * data center. Default: `"zone"`.
   */
  zone_meta: optional(text_to(128)),
};

interface Checked {
  address: string;
  tls?: { verify: boolean };
}

function check_consul(this: void, path: string, { tls, address }: Checked): Problem | undefined {
  return check_tls(path, tls, [address]);
}

/** The passing instances of a Consul service become the upstream's servers. */
export const CONSUL = block(
  {
    ...CONSUL_SERVER,
    service: required(text_to(256)),
    /** Tags that an instance must have, all of them. Default: none. */
    tags: optional(list_of(text_to(128), MOST_TAGS)),
    ...INSTANCES,
  },
  check_consul,
);
export type ConsulConfig = ConfigOf<typeof CONSUL>;

/**
 * The keys below a prefix of Consul's KV store become the upstream's servers, in the form of
 * nginx-upsync-module.
 */
export const CONSUL_KV = block({ ...CONSUL_SERVER, prefix: required(text_to(512)) }, check_consul);
export type ConsulKvConfig = ConfigOf<typeof CONSUL_KV>;

/** The services of a Consul become upstreams, and their passing instances the servers. */
export const CONSUL_TEMPLATE = block(
  {
    ...CONSUL_SERVER,
    /** The tag of the services; instances without it are left out. */
    tag: required(text_to(128)),
    ...INSTANCES,
  },
  check_consul,
);
export type ConsulTemplateConfig = ConfigOf<typeof CONSUL_TEMPLATE>;

/** Where Consul is. */
export type ConsulAddress = Pick<ConsulConfig, "address" | "datacenter" | "token" | "tls">;
