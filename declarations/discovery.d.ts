/** The registries that an upstream may follow. */

/** @noResolution @noSelf */
declare module "resty.sluice" {
  /** At most one registry, and how careful to be with what it says. */
  export interface Discovery {
    etcd?: Etcd;
    consul?: Consul;
    consul_kv?: ConsulKv;
    dns?: Dns;
    kubernetes?: Kubernetes;
    file?: FileSource;
    /** A step that would take away more percent of the servers that it has brought waits … Default: 50. */
    max_removal_percent?: number;
    /** … for so many equal answers. Default: 3. */
    removal_confirmations?: number;
  }

  /** The keys below a prefix. */
  export interface Etcd {
    /** Members of one cluster, each `http://` or `https://`: when one fails, the next is asked. */
    endpoints: string[];
    prefix: string;
    /** Comes with `password`. */
    user?: string;
    password?: string;
    tls?: Tls;
  }

  /** The passing instances of a service. */
  export interface Consul extends ConsulAddress {
    service: string;
    /** An instance must have all of them. */
    tags?: string[];
  }

  /** The keys below a prefix of Consul's KV store. */
  export interface ConsulKv extends ConsulAddress {
    prefix: string;
  }

  /** Where Consul is. */
  export interface ConsulAddress {
    /** `http://` or `https://`. */
    address: string;
    datacenter?: string;
    token?: string;
    tls?: Tls;
  }

  /** The addresses of a name. */
  export interface Dns {
    name: string;
    /** Default: `"A"`. */
    type?: "A" | "AAAA" | "SRV";
    /** Where the servers listen; `A` and `AAAA` need it, SRV records say it themselves. */
    port?: number;
    /** Each `ip` or `ip:port`: when one fails, the next is asked. */
    resolvers: string[];
    /** An answer is asked for anew when its TTL is over, but not sooner. Default: `"1s"`. */
    min_ttl?: Time;
    /** And not later. Default: `"60s"`. */
    max_ttl?: Time;
  }

  /** The endpoints of a service. */
  export interface Kubernetes {
    /** Default: `"default"`. */
    namespace?: string;
    service: string;
    /** A port's name, or its number. Default: the only TCP port. */
    port?: string | number;
    /** The family of the addresses. Default: the first of the service's `ipFamilies`. */
    family?: "ipv4" | "ipv6";
    /** Default: `"https://kubernetes.default.svc"`. */
    api_server?: string;
    /** Default: the service account's. */
    token_file?: string;
    tls?: Tls;
  }

  /** The servers that a JSON file lists. */
  export interface FileSource {
    path: string;
  }

  /** How a registry's certificate is checked; only with `https://`. */
  export interface Tls {
    /** It must be valid for the registry's name, by nginx's `lua_ssl_trusted_certificate`. Default: true. */
    verify?: boolean;
  }
}
