/** How it is told which servers of an upstream are in order, beside `max_fails`. */

/** @noResolution @noSelf */
declare module "resty.sluice" {
  /** Active checks, by nginx's names. */
  export interface HealthCheck {
    /** What is tried: a request, the same over TLS, or a connection. Default: `"http"`. */
    type?: "http" | "https" | "tcp";
    /** What is asked for; not with `tcp`. Default: `"/"`. */
    uri?: string;
    /** Another port to check. Default: the server's. */
    port?: number;
    /** From check to check, 100 ms to 1 h. Default: `"5s"`. */
    interval?: Time;
    /** At most so much more, by chance. Default: `"0s"`. */
    jitter?: Time;
    /** For the whole check. Default: `"1s"`. */
    timeout?: Time;
    /** So many failures in a row make a server unhealthy. Default: 1. */
    fails?: number;
    /** So many passes in a row make it healthy again. Default: 1. */
    passes?: number;
    /** A new server gets no request until a check has passed. Default: false. */
    mandatory?: boolean;
    /** With `mandatory`: what has passed before a restart need not pass anew after it. Default: false. */
    persistent?: boolean;
    /** What a response must be like; not with `tcp`. Default: a status of 200 to 399. */
    match?: Match;
    /** The member of a JSON answer that is a report of the server's load, names separated by dots; not with `tcp`. */
    report?: string;
    /** HAProxy's agent-check, at the server's address. Default: none. */
    agent?: Agent;
    /** How long a connection is used for checks; not with `tcp`. Default: `"60s"`. */
    keepalive_time?: Time;
  }

  /** What a response to a check must be like to pass. */
  export interface Match {
    /** Codes and ranges, such as `"200 204 300-399"`. Default: `"200-399"`. */
    status?: string;
    /** By a header's name in lower case a regular expression (PCRE); `""`: it must be there. */
    headers?: Record<string, string>;
    /** A regular expression (PCRE) that must be found in the first 8 KiB of the body. */
    body?: string;
  }

  /** What answers with a line of text how a server is. */
  export interface Agent {
    port: number;
    /** What is sent first. Default: nothing. */
    send?: string;
  }

  /** When a server is kept out for what it answers, by Envoy's names. 0 switches a limit off. */
  export interface OutlierDetection {
    /** So many responses of 5xx in a row. Default: 5. */
    consecutive_5xx?: number;
    /** So many of 502, 503, 504 and none at all in a row. Default: 0. */
    consecutive_gateway_failure?: number;
    /** How often success rates are compared, and ejections are ended. Default: `"10s"`. */
    interval?: Time;
    /** How long an ejection lasts, times how many it is in a row. Default: `"30s"`. */
    base_ejection_time?: Time;
    /** But at most so long. Default: `"300s"`. */
    max_ejection_time?: Time;
    /** Of the servers, so many percent may be ejected at a time; one always may. Default: 10. */
    max_ejection_percent?: number;
    /** Success rates count while so many servers have had so many requests. Default: 5 once one of the three is given. */
    success_rate_minimum_hosts?: number;
    /** Default: 100 once one of the three is given. */
    success_rate_request_volume?: number;
    /** So many thousandths of the standard deviation below the mean. Default: 1900 once one of the three is given. */
    success_rate_stdev_factor?: number;
  }
}
