import type { Semaphore } from "ngx.semaphore";

import { type Method, type Peer, PeerField } from "../../balancer/method";
import type { ZoneMethod } from "../../balancer/zones";
import type { Shareholder } from "../../balancer/shares";
import type { AdaptiveLimitConfig } from "../../config/adaptive_limit";
import type { LoadSources } from "../../config/load_source";
import type { OutlierLimits } from "../../health/outlier";
import type { Fifo, FifoEntry } from "../../lib/fifo";
import type { Destination } from "../../net/connection";
import type { Cell } from "../../store/memory/cells";
import type { Subject } from "../../store/memory/subject";
import type { Complaint } from "./complaint";
import type { KeyHasher, KeyReader } from "./key";

/**
 * The records that a worker keeps of the upstreams it serves. Types only, so that no imports are circular.
 */

/**
 * The fields in the list part of a server's or an upstream's table, where each takes 8 bytes. A named field
 * takes 24 bytes, and room for them is doubled when it is full. The first places are for the methods.
 */
export const enum Own {
  /** The requests under way: the first cell of all workers, and the cell of this worker. */
  ALL_ACTIVE = PeerField.LAST + 1,
  ACTIVE,
  /** The cell with the incarnation that this worker's counters belong to, and the first of these. */
  STAMP,
  COUNTERS,
  /** The number of this worker's requests since the last one whose times were counted, and when that was. */
  UNTIMED,
  TIMED_AT,
  /** When this worker next looks for a report in a response, by the monotonic clock. */
  REPORT_DUE,
  /** Upper bound on the connections that this worker keeps or uses; only if `live/kept.ts` counts them. */
  CONNECTIONS,
  /** The arguments of `set_current_peer`. */
  HOST,
  PORT,
  /** Upper bound on its requests under way; 0: none. If it is adaptive, the present one. */
  MAX_CONNS,
  PARAMETERS,
  /** True: it receives no request, not even one that is bound to it. */
  DOWN,
  /** Its name for `sticky.route`. */
  ROUTE,
  /** Its line in the document that was applied last, and the revision of that document. */
  LINE,
  SEEN,
  /** The number of these fields, with that of the method. */
  LAST = SEEN,
  /** Only of an upstream: `ease` of its primary method; false: it has none. */
  EASE = UNTIMED,
}

/** The parameters that many servers have in common. Equal ones are one object in a worker. */
export interface Parameters {
  readonly backup: boolean;
  /** `in_rotation` and `down` by its parameters. The state that a server reports may override them. */
  readonly may_serve: boolean;
  readonly down: boolean;
  /** True: it is a standby server that is not in service. */
  readonly stands_by: boolean;
  readonly is_adaptive: boolean;
  /** The weight by its parameters. `weight` also depends on `slow_start` and on the load of the server. */
  readonly weight: number;
  /** Seconds. */
  readonly slow_start: number;
}

/** The counters of a server or an upstream in this worker. */
export interface Counted {
  incarnation: number;
  [Own.STAMP]: Cell;
  [Own.COUNTERS]: Cell;
}

/**
 * A server as this worker runs it. It is the same object as long as its incarnation exists. It has
 * at most 8 named fields, so that its table stays small.
 */
export interface LiveServer extends Peer, Subject, Counted {
  upstream: LiveUpstream;
  [Own.ALL_ACTIVE]: Cell;
  [Own.ACTIVE]: Cell;
  [Own.UNTIMED]: number;
  [Own.TIMED_AT]: number;
  [Own.REPORT_DUE]: number;
  [Own.CONNECTIONS]: number;
  [Own.HOST]: string;
  [Own.PORT]: number;
  [Own.MAX_CONNS]: number;
  [Own.PARAMETERS]: Parameters;
  [Own.DOWN]: boolean;
  [Own.ROUTE]: string;
  [Own.LINE]: string;
  [Own.SEEN]: number;
}

/**
 * An upstream as this worker runs it, changed by difference. As a complaint, it covers requests that fail
 * because none of its servers is in rotation. Optional fields that are absent take no memory.
 */
export interface LiveUpstream extends Counted, Complaint {
  name: string;
  /** The first cell of its row. */
  row: Cell;
  /** Distinguishes it from other upstreams that had the same row. */
  incarnation: number;
  /** The revision of the document that was applied last. */
  revision: number;
  /** The settings of its method, as a text to compare. */
  balancing: string;
  primary: Method;
  /** `NO_SERVERS` until the upstream has a backup server. */
  backup: Method;
  /** The same methods if they prefer local servers. */
  zones?: UpstreamZones | undefined;
  /** Reads the key that the method needs; undefined: it needs none. */
  read_key?: KeyReader | undefined;
  /** Binds clients to servers; undefined: no `sticky`. */
  sticky?: Binding | undefined;
  measure: Measure;
  /** True: the beginning of each request under way is kept. */
  keeps_begun: boolean;
  /** The servers by id. */
  servers: LuaTable<number, LiveServer | undefined>;
  /** The number of servers without standby servers, and the number of servers in rotation. */
  size: number;
  in_rotation: number;
  [Own.ALL_ACTIVE]: Cell;
  [Own.ACTIVE]: Cell;
  [Own.EASE]: ((this: void, peer: Peer) => void) | false;
  /** Upper bound on the tries of a request. */
  tries: number;
  /** False: a request gets no try in advance; see `live/kept.ts`. */
  lends_tries: boolean;
  retry_limits?: RetryLimits | undefined;
  queue?: Queue | undefined;
  /** The bounds of adaptive limits; undefined: the default ones. */
  limit_bounds?: AdaptiveLimitConfig | undefined;
  /** The upstreams that get its requests; undefined: it has servers. */
  split?: Split | undefined;
  /** True once `access()`, which the queue needs, has run for it. */
  has_access_hook: boolean;
  outlier_limits?: OutlierLimits | undefined;
  /** True: outliers have a part of their weights. */
  degrades: boolean;
  /** True: its weights follow the loads of the servers; and the revision of factors that was applied last. */
  follows_load: boolean;
  load_revision: number;
  /** True: reports in responses are read. */
  wants_reports: boolean;
  /** Where the responses report the load; undefined: only in the members of ORCA for it. */
  load_sources?: LoadSources | undefined;
  /** How its servers are asked for their load; undefined: they are not. */
  load_probe?: LoadProbe | undefined;
  /** The number of answers of this worker for `least_load` that no probe has followed yet. */
  answers: number;
  /** The time that a report is valid, in seconds. */
  report_expiry: number;
  /** If fewer servers, in percent, are available, health is ignored; and whether that is so. */
  panic_threshold: number;
  panics: boolean;
  /** The revision of health at the last survey. */
  health_revision: number;
}

/** A server that is asked for its load. */
export interface ProbedServer {
  server: LiveServer;
  /** Undefined: it was not asked yet. */
  destination: Destination | undefined;
  /** The answer to a probe of this worker is awaited. */
  is_asked: boolean;
}

/** How the servers of an upstream are asked for their load. */
export interface LoadProbe {
  /** The request. */
  text: string;
  /** Upper bound on the time until the answer, in seconds. */
  timeout: number;
  /** The number of probes for each request of a client. */
  per_request: number;
  /** Where the answers have the load. */
  sources: LoadSources;
  /** The number of probes that are due. */
  due: number;
  /** The servers at the revision `revision`. Those before `next` have been drawn in this round. */
  servers: ProbedServer[];
  next: number;
  revision: number;
}

/** The methods of an upstream that prefer local servers. */
export interface UpstreamZones {
  primary: ZoneMethod;
  backup: ZoneMethod;
}

export interface Binding {
  /** Adds a server. */
  join: (this: void, server: LiveServer) => void;
  /** Removes a server. It must have the parameters that it was added with. */
  leave: (this: void, server: LiveServer) => void;
  /**
   * Returns the primary or backup that the request is bound to, if that server takes bound requests. Phase:
   * balancer_by_lua. Hot.
   */
  find: (this: void, is_backup: boolean) => LiveServer | undefined;
  /** Binds the client of the current request to its server. Phase: balancer_by_lua. Hot. */
  bind: (this: void, server: LiveServer, is_retry: boolean) => void;
}

/** An upstream that gets a share of the requests of a split. */
export interface SplitMember extends Shareholder {
  name: string;
  /** Tells whether the current request goes to it, whatever its share; undefined: none does. Hot. */
  matches: ((this: void) => boolean) | undefined;
  /** True: this worker has logged that it cannot get requests, and it has had none since. */
  has_complained: boolean;
}

export interface Split {
  /** Its settings, as a text to compare. */
  text: string;
  /** Reads the hash of the value whose requests have the same member; undefined: members take turns. */
  read_hash: KeyHasher | undefined;
  members: readonly SplitMember[];
  /** The members with `matches`; undefined: there are none. */
  matching: readonly SplitMember[] | undefined;
  /** The last walk through splits that looked at it; negative: that walk has found no server below it. */
  walk: number;
  /** The number of servers in rotation below it, and `rotations()` when they were counted. */
  servers: number;
  counted_at: number;
}

export interface Waiter extends FifoEntry {
  semaphore: Semaphore;
  queue: Queue;
}

/** The requests that wait for the servers of an upstream. */
export interface Queue {
  /** Upper bound on the number of requests that wait, over all workers. */
  size: number;
  /** Upper bound on the wait, in seconds. */
  timeout: number;
  waiters: Fifo<Waiter>;
}

/** The limits of retries, except the number of tries. */
export interface RetryLimits {
  /** Upper bound on the time of all tries, in seconds. */
  timeout: number;
  /** Upper bound on the retries under way, in percent of the other requests under way; infinite: no bound. */
  budget_percent: number;
  /** The number of retries under way that is always allowed. */
  min_concurrent: number;
}

/** The time of a response that `least_time` and `least_load` use. */
export const enum Measure {
  NONE,
  HEADER,
  LAST_BYTE,
  /** That of the last byte, with the requests that are in flight then. */
  LOAD,
}
