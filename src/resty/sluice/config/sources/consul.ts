import { block, optional, required, secret, type ConfigOf } from "../block";
import { read_url, text_to } from "../texts";
import { list_of } from "../values";
import { check_tls, TLS } from "./tls";

const MOST_TAGS = 16;

/** The passing instances of a Consul service become the upstream's servers. */
export const CONSUL = block(
  {
    /** An `http://` or `https://` address. */
    address: required(read_url),
    service: required(text_to(256)),
    /** Tags that an instance must have, all of them. Default: none. */
    tags: optional(list_of(text_to(128), MOST_TAGS)),
    /** An expression in Consul's language that selects instances, such as `Service.Meta.version == "2"`. */
    filter: optional(text_to(2048)),
    /**
     * Key of the zone in the metadata of an instance, else of its node; where neither has it, the zone is the
     * data center. Default: `"zone"`.
     */
    zone_meta: optional(text_to(128)),
    datacenter: optional(text_to(128)),
    token: secret(optional(text_to(256))),
    tls: optional(TLS),
  },
  (path, { tls, address }) => check_tls(path, tls, [address]),
);
export type ConsulConfig = ConfigOf<typeof CONSUL>;

/**
 * The keys below a prefix of Consul's KV store become the upstream's servers, in the form of
 * nginx-upsync-module.
 */
export const CONSUL_KV = block(
  {
    /** An `http://` or `https://` address. */
    address: required(read_url),
    prefix: required(text_to(512)),
    datacenter: optional(text_to(128)),
    token: secret(optional(text_to(256))),
    tls: optional(TLS),
  },
  (path, { tls, address }) => check_tls(path, tls, [address]),
);
export type ConsulKvConfig = ConfigOf<typeof CONSUL_KV>;

/** The services of a Consul become upstreams, and their passing instances the servers. */
export const CONSUL_TEMPLATE = block(
  {
    /** An `http://` or `https://` address. */
    address: required(read_url),
    /** The tag of the services; instances without it are left out. */
    tag: required(text_to(128)),
    /** An expression in Consul's language that selects instances, such as `Service.Meta.version == "2"`. */
    filter: optional(text_to(2048)),
    /** Key of the zone in the metadata of an instance, else of its node. Default: `"zone"`. */
    zone_meta: optional(text_to(128)),
    datacenter: optional(text_to(128)),
    token: secret(optional(text_to(256))),
    tls: optional(TLS),
  },
  (path, { tls, address }) => check_tls(path, tls, [address]),
);
export type ConsulTemplateConfig = ConfigOf<typeof CONSUL_TEMPLATE>;

/** Where Consul is. */
export type ConsulAddress = Pick<ConsulConfig, "address" | "datacenter" | "token" | "tls">;
