/** An upstream: its servers, how requests are spread over them, and how many are let in. */

/** @noResolution @noSelf */
declare module "resty.sluice" {
  /** An nginx time, such as `"100ms"`, `"10s"` or `"1h 30m"`. */
  export type Time = string;

  /** An upstream. */
  export interface Upstream {
    /** How a request's server is chosen. Default: `"round_robin"`. */
    method?: Method;
    /** Parameters of the method `least_time`. */
    least_time?: LeastTime;
    /** Parameters of the method `random`. Default: none, one server is drawn. */
    random?: Random;
    /** Parameters of the method `hash`, which needs them. */
    hash?: Hash;
    /** Binds clients to servers, over any method. Default: none. */
    sticky?: Sticky;
    /** Active checks. Default: none. */
    health_check?: HealthCheck;
    /** Keeps servers out for what they answer. Default: none. */
    outlier_detection?: OutlierDetection;
    /** With fewer percent of the servers available, health is ignored rather than the upstream emptied. Default: 0. */
    panic_threshold?: number;
    /** When a request that failed at a server is sent to another. Default: as nginx says, once to every server. */
    retries?: Retries;
    /** Where requests wait while every server has its `max_conns`. Default: none. */
    queue?: Queue;
    /** Weights that follow loads; not with the methods `hash` and `ip_hash`. Default: none. */
    load?: Load;
    /** Brings servers in and lets them go. Default: none. */
    autoscale?: Autoscale;
    /** The registry that it follows. Default: none, servers are added by hand and register themselves. */
    discovery?: Discovery;
    /** Default: none. */
    servers?: Server[];
  }

  /** A balancing method, by nginx's name. */
  export type Method = "round_robin" | "least_conn" | "least_time" | "random" | "hash" | "ip_hash";

  /** A server of an upstream, by nginx's names. */
  export interface Server {
    /** `"ip"`, `"ip:port"`, `"[ipv6]:port"` or `"unix:/path"`; port 80 by default. All spellings of an address are one server. */
    server: string;
    /** Its share of the requests: 1 to 2147483647, with `hash.consistent` to 1000. Default: 1. */
    weight?: number;
    /** Used only while no primary server is available. Default: false. */
    backup?: boolean;
    /** Gets no request. Default: false. */
    down?: boolean;
    /** Gets no new request, but those of clients that are bound to it. Default: false. */
    drain?: boolean;
    /** Gets no request until `autoscale` brings it in; not with `backup`. Default: false. */
    standby?: boolean;
    /** What `sticky.route` knows it by, at most 32 bytes. Default: `""`. */
    route?: string;
    /** At most so many requests at a time, over all workers; 0: any number. Default: 0. */
    max_conns?: number;
    /** After so many failures within `fail_timeout` it gets no request for as long; 0: never. Default: 1. */
    max_fails?: number;
    /** Default: `"10s"`. */
    fail_timeout?: Time;
    /** How long its weight takes to rise; not with `hash`, `ip_hash` and `random`. Default: `"0s"`. */
    slow_start?: Time;
  }

  /** What `least_time` compares. */
  export interface LeastTime {
    /** The time up to the response's header, or up to its last byte. Default: `"header"`. */
    measure?: "header" | "last_byte";
    /** Whether requests under way count too. Default: false. */
    inflight?: boolean;
  }

  /** Of two servers drawn at random, the better one. */
  export interface Random {
    two: "least_conn" | "least_time";
  }

  /** What `hash` is made of, and how it is laid on the servers. */
  export interface Hash {
    /** Text with nginx's variables, at least one: `"$remote_addr$uri"`. */
    key: string;
    /** Whether most keys stay where they are when the servers change. Default: false. */
    consistent?: boolean;
    /** The most that a server may have, in percent of the average, from 100; only with `consistent`. Default: no bound. */
    balance_factor?: number;
  }

  /** How a client comes back to its server: by exactly one of the two. */
  export interface Sticky {
    cookie?: StickyCookie;
    route?: StickyRoute;
  }

  /** A cookie of Sluice's own that names a client's server. */
  export interface StickyCookie {
    name: string;
    /** Default: `"/"`. `""` omits the attribute. */
    path?: string;
    /** May contain variables, such as `"$host"`. Default: none, the cookie goes back to this host only. */
    domain?: string;
    /** A time, or `"max"`. Default: none, until the browser ends. */
    expires?: Time;
    /** Default: false. */
    httponly?: boolean;
    /** Default: false. */
    secure?: boolean;
    /** `"none"` needs `secure`. Default: none. */
    samesite?: "strict" | "lax" | "none";
  }

  /** The first of the variables that is not empty names the server, by its `route`. */
  export interface StickyRoute {
    /** Each a variable, such as `"$cookie_route"`. */
    variables: string[];
  }

  /** When a request that failed at a server is sent to another. */
  export interface Retries {
    /** The greatest number of servers that a request is sent to. Default: 10. */
    tries?: number;
    /** Bounds the time of all tries before the last. Default: none. */
    timeout?: Time;
    /** Default: none, every request may have its tries. */
    budget?: RetryBudget;
  }

  /** How many retries may be under way. */
  export interface RetryBudget {
    /** For a hundred requests under way that are no retries. Default: 20. */
    percent?: number;
    /** But always so many. Default: 3. */
    min_concurrent?: number;
  }

  /** Where requests wait while every server has its `max_conns`; needs `access` in the location. */
  export interface Queue {
    /** How many may wait, over all workers. */
    size: number;
    /** How long. Default: `"60s"`. */
    timeout?: Time;
  }
}
