import type { Semaphore } from "ngx.semaphore";

import type { Method, Peer } from "../../balancer/method";
import type { OutlierLimits } from "../../health/outlier";
import type { Subject } from "../../health/subject";
import type { Fifo, FifoEntry } from "../../lib/fifo";
import type { Cell, RowNumber } from "../../store/memory/cells";
import type { Complaint } from "./complaint";
import type { KeyReader } from "./key";

/** The records that a worker keeps of the upstreams it serves. Types only: this file imports no file that imports it. */

/** A server as this worker runs it. It stays the same object while its incarnation lives, whatever else changes. */
export interface LiveServer extends Peer, Subject {
  upstream: LiveUpstream;
  /** What it takes part in. */
  method: Method;
  /** What `set_current_peer` takes. */
  host: string;
  port: number;
  /** Its address as nginx writes it in `$upstream_addr`. */
  name: string;
  backup: boolean;
  /** True: gets not even the requests that are bound to it. */
  down: boolean;
  /** What its parameters say of `in_rotation` and `down`: what it reports may say otherwise. */
  may_serve: boolean;
  configured_down: boolean;
  /** True: it is not one of the servers that there are for now, only known. */
  stands_by: boolean;
  /** What `sticky.route` knows it by. */
  route: string;
  /** At most so many requests under way; 0: any number. */
  max_conns: number;
  /** `weight` differs from this while `slow_start` raises it, and by the server's load. */
  configured_weight: number;
  /** Seconds. */
  slow_start: number;
  /** The number of its row. */
  row_number: RowNumber;
  /** Where the requests under way at it stand, those of all workers, and where this worker's are. */
  active: Cell;
  own_active: Cell;
  /** The same of the sums of their beginnings. */
  begun: Cell;
  own_begun: Cell;
  /** Where this worker has noted whose the counters are. */
  stamp: Cell;
  /** Where this worker's counters of it are. */
  counters: Cell;
  /** When this worker looks for a report in a response next, by the monotonic clock. */
  report_due: number;
  /** How many of this worker's requests have not gone into the averages of times since one did, and when that was. */
  untimed: number;
  timed_at: number;
  /** At most so many connections to it does this worker's nginx keep or use; only where `live/kept.ts` counts them. */
  connections: number;
  /** Its line in the document that was applied last. */
  line: string;
  /** The revision of that document. */
  seen: number;
}

/** An upstream as this worker runs it, changed by difference. */
export interface LiveUpstream {
  name: string;
  /** The number of its row, and where its shared cells are. */
  row_number: RowNumber;
  row: Cell;
  /** Tells it from others that had the same row. */
  incarnation: number;
  /** Of the document that was applied last. */
  revision: number;
  /** Its method and the parameters of that, as text, to compare. */
  balancing: string;
  primary: Method;
  backup: Method;
  /** Reads the key that a method wants of a request; undefined: it wants none. */
  read_key: KeyReader | undefined;
  /** What binds clients to servers, if anything does. */
  sticky: Binding | undefined;
  measure: Measure;
  /** True: when each request under way began is kept. */
  keeps_begun: boolean;
  /** By id. */
  servers: LuaTable<number, LiveServer | undefined>;
  /** By line: who stands on a line that is known has not changed. */
  lines: LuaTable<string, LiveServer | undefined>;
  /** How many servers there are beside those that stand by, and how many are in rotation. */
  size: number;
  in_rotation: number;
  /** Where the requests under way at all its servers stand, those of all workers, and where this worker's are. */
  active: Cell;
  own_active: Cell;
  /** Where this worker's counters of it are, and where it has noted whose they are. */
  counters: Cell;
  stamp: Cell;
  /** Where its retries under way stand, in the same way. */
  retries: Cell;
  own_retries: Cell;
  /** The greatest number of servers that a request is sent to. */
  tries: number;
  /** False: a request gets no try in advance; see `live/kept.ts`. */
  lends_tries: boolean;
  retry_limits: RetryLimits | undefined;
  queue: Queue | undefined;
  /** True once access() has run for it, which the queue needs. */
  has_access_hook: boolean;
  /** Of requests that are lost because none of its servers is in service. */
  complaint: Complaint;
  outlier_limits: OutlierLimits | undefined;
  /** True: its weights follow the servers' loads; which change of those was applied last. */
  follows_load: boolean;
  load_revision: number;
  /** True: responses may hold reports of loads that are of use. */
  wants_reports: boolean;
  /** How long a report counts, in seconds. */
  report_expiry: number;
  /** In percent: with fewer servers available health is ignored. */
  panic_threshold: number;
  panics: boolean;
  /** Of the last look at the servers' health. */
  health_revision: number;
}

/** What binds clients to servers. */
export interface Binding {
  /** Takes a server in. */
  join: (this: void, server: LiveServer) => void;
  /** Leaves a server out; it must be in, with the parameters that it had then. */
  leave: (this: void, server: LiveServer) => void;
  /**
   * Returns the primary or the backup that the request under way is bound to, if it takes such requests.
   * Phase: balancer_by_lua. Hot.
   */
  find: (this: void, is_backup: boolean) => LiveServer | undefined;
  /** Binds the client to the server that the request under way goes to. Phase: balancer_by_lua. Hot. */
  bind: (this: void, server: LiveServer, is_retry: boolean) => void;
}

export interface Waiter extends FifoEntry {
  semaphore: Semaphore;
  queue: Queue;
}

/** Who waits for an upstream's servers. */
export interface Queue {
  /** At most so many, over all workers. */
  size: number;
  /** Seconds. */
  timeout: number;
  waiters: Fifo<Waiter>;
}

/** The limits of an upstream beside the number of tries. */
export interface RetryLimits {
  /** Seconds over all tries. */
  timeout: number;
  /** For a hundred requests under way that are no retries, so many that are; infinite: all. */
  budget_percent: number;
  /** So many may be in any case. */
  min_concurrent: number;
}

/** Which time of a response `least_time` goes by. */
export const enum Measure {
  NONE,
  HEADER,
  LAST_BYTE,
}
