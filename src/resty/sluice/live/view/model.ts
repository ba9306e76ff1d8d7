import type { Semaphore } from "ngx.semaphore";

import type { Method, Peer } from "../../balancer/method";
import type { ZoneMethod } from "../../balancer/zones";
import type { Shareholder } from "../../balancer/shares";
import type { AdaptiveLimitConfig } from "../../config/adaptive_limit";
import type { LoadSources } from "../../config/load_source";
import type { OutlierLimits } from "../../health/outlier";
import type { Fifo, FifoEntry } from "../../lib/fifo";
import type { Destination } from "../../net/connection";
import type { Cell, RowNumber } from "../../store/memory/cells";
import type { Subject } from "../../store/memory/subject";
import type { Complaint } from "./complaint";
import type { KeyHasher, KeyReader } from "./key";

/**
 * The records that a worker keeps of the upstreams it serves. Types only, so that no imports are circular.
 */

/** A server as this worker runs it. It is the same object as long as its incarnation exists. */
export interface LiveServer extends Peer, Subject {
  upstream: LiveUpstream;
  /** The method that it belongs to. */
  method: Method;
  /** The arguments of `set_current_peer`. */
  host: string;
  port: number;
  /** Its address as nginx writes it in `$upstream_addr`. */
  name: string;
  backup: boolean;
  /** True: it receives no request, not even one that is bound to it. */
  down: boolean;
  /** `in_rotation` and `down` by its parameters. The state that it reports may override them. */
  may_serve: boolean;
  configured_down: boolean;
  /** True: it is a standby server that is not in service. */
  stands_by: boolean;
  /** Its name for `sticky.route`. */
  route: string;
  /** Upper bound on its requests under way; 0: none. If it is adaptive, the present one. */
  max_conns: number;
  is_adaptive: boolean;
  /** The weight by its parameters. `weight` also depends on `slow_start` and on the load of the server. */
  configured_weight: number;
  /** Seconds. */
  slow_start: number;
  /** The number of its row. */
  row_number: RowNumber;
  /** The requests under way at it: the first cell of all workers, and the cell of this worker. */
  active: Cell;
  own_active: Cell;
  /** The sums of the times at which those began, in the same way. */
  begun: Cell;
  own_begun: Cell;
  /** The cell with the incarnation that this worker's counters belong to. */
  stamp: Cell;
  /** The first cell of this worker's counters, and the first cell of its histograms. */
  counters: Cell;
  times: Cell;
  /** When this worker next looks for a report in a response, by the monotonic clock. */
  report_due: number;
  /** The number of this worker's requests since the last one whose times were counted, and when that was. */
  untimed: number;
  timed_at: number;
  /** Upper bound on the connections that this worker keeps or uses; only if `live/kept.ts` counts them. */
  connections: number;
  /** Its line in the document that was applied last. */
  line: string;
  /** The revision of that document. */
  seen: number;
}

/** An upstream as this worker runs it, changed by difference. */
export interface LiveUpstream {
  name: string;
  /** The number of its row, and the first cell of that row. */
  row_number: RowNumber;
  row: Cell;
  /** Distinguishes it from other upstreams that had the same row. */
  incarnation: number;
  /** The revision of the document that was applied last. */
  revision: number;
  /** The settings of its method, as a text to compare. */
  balancing: string;
  primary: Method;
  backup: Method;
  /** The same methods if they prefer local servers. */
  zones: UpstreamZones | undefined;
  /** Reads the key that the method needs; undefined: it needs none. */
  read_key: KeyReader | undefined;
  /** Binds clients to servers; undefined: no `sticky`. */
  sticky: Binding | undefined;
  measure: Measure;
  /** True: the beginning of each request under way is kept. */
  keeps_begun: boolean;
  /** The servers by id. */
  servers: LuaTable<number, LiveServer | undefined>;
  /** The servers by line. A server whose line is known has not changed. */
  lines: LuaTable<string, LiveServer | undefined>;
  /** The number of servers without standby servers, and the number of servers in rotation. */
  size: number;
  in_rotation: number;
  /** The requests under way at its servers: the first cell of all workers, and that of this worker. */
  active: Cell;
  own_active: Cell;
  /** The first cell of this worker's counters, and the cell with the incarnation that they belong to. */
  counters: Cell;
  stamp: Cell;
  /** Its retries under way: the first cell of all workers, and the cell of this worker. */
  retries: Cell;
  own_retries: Cell;
  /** Upper bound on the tries of a request. */
  tries: number;
  /** False: a request gets no try in advance; see `live/kept.ts`. */
  lends_tries: boolean;
  retry_limits: RetryLimits | undefined;
  queue: Queue | undefined;
  /** The bounds of adaptive limits; undefined: the default ones. */
  limit_bounds: AdaptiveLimitConfig | undefined;
  /** The upstreams that get its requests; undefined: it has servers. */
  split: Split | undefined;
  /** True once `access()`, which the queue needs, has run for it. */
  has_access_hook: boolean;
  /** Covers requests that fail because none of its servers is in rotation. */
  complaint: Complaint;
  outlier_limits: OutlierLimits | undefined;
  /** True: outliers have a part of their weights. */
  degrades: boolean;
  /** True: its weights follow the loads of the servers; and the revision of factors that was applied last. */
  follows_load: boolean;
  load_revision: number;
  /** True: reports in responses are read. */
  wants_reports: boolean;
  /** Where the responses report the load; undefined: only in the members of ORCA for it. */
  load_sources: LoadSources | undefined;
  /** How its servers are asked for their load; undefined: they are not. */
  load_probe: LoadProbe | undefined;
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
