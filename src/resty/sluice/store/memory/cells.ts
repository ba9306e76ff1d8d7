/** The meaning of the cells of the shared memory, part by part. region.ts computes their places. */

/** The number of a row, from 1. A number at run time; the brand keeps it apart from a `Cell`. */
export type RowNumber = number & { readonly brand: "RowNumber" };

/** The offset of the first cell of a group: `memory[row + Row.STATE]`, where `row` is the `Cell` of a row. */
export type Cell = number & { readonly brand: "Cell" };

export const enum Header {
  GENERATION,
  LOADED,
  REVISION,
  ROWS,
  SLOTS,
  NEXT_ROW,
  FREE_ROW,
  /** The row of the upstream that is being written; 0: none is. */
  WRITING,
  /** The revision that this makes, and 1 when it deletes the upstream. */
  WRITING_REVISION,
  WRITING_DELETES,
  LOCK_FD,
  /** The two journals, and how much of each counts. */
  JOURNAL_0_FD,
  JOURNAL_1_FD,
  JOURNAL_0_BYTES,
  JOURNAL_1_BYTES,
  /** The two images. */
  IMAGE_0_FD,
  IMAGE_1_FD,
  IMAGE_BYTES,
  /** The last row in the list of free ones. */
  LAST_FREE_ROW,
  /** Rises with each change of any server's health; which one is saved; and where it is saved, and is next. */
  HEALTH_REVISION,
  SAVED_HEALTH_REVISION,
  HEALTH_FD,
  OTHER_HEALTH_FD,
  /** `LAYOUT` of the module that mapped the memory. It stays in this place: other versions look there. */
  LAYOUT = 23,
  /** When the Lua code was loaded whose workers are to do the background work. */
  WORKERS_LOADED,
  /** What the revision was when nginx had started. */
  START_REVISION,
  /** How much of the journal counts without the line of what is being written, and with it. */
  WRITING_FROM,
  WRITING_TO,
  /** The folder of the saved state, and the file that keeps a second nginx out of it. */
  STATE_DIR_FD,
  STATE_LOCK_FD,
  /** Which journal is appended to: 0 or 1. The other one is empty unless an image that holds its changes is being written. */
  JOURNAL,
  /** Which image counts: 0 or 1. The other one is written next. */
  IMAGE,
  /** By how many seconds the time of day was ahead of the monotonic clock when nginx started. */
  WALL_OFFSET,
  /** What totals were when they were reset last: of connections, of requests, and of workers that were replaced. */
  ACCEPTED_AT_RESET,
  DROPPED_AT_RESET,
  REQUESTS_AT_RESET,
  RESPAWNED_AT_RESET,
}

export const enum Slot {
  /** The worker that took it last; 0: nothing of that worker is left to take off. */
  PID,
  WORKER,
  GENERATION,
  /** 1 once this slot or a later one has been taken. */
  USED,
  /** How many workers have died that had this slot, and were replaced. */
  RESPAWNED,
  /** How many requests the worker has logged, and how many of those had been when that was reset. */
  REQUESTS,
  REQUESTS_AT_RESET,
}

/** Times are moments of the monotonic clock (lib/clock), 0 for never, where nothing else is said. */
export const enum Row {
  /** Whose row it is: the incarnation of a server; 0: nobody's. */
  STAMP,
  /** Only the row of an upstream uses this cell. */
  UNUSED,
  /** Until when health keeps requests away; infinite: until a check passes; 0: it does not. */
  UNAVAILABLE_UNTIL,
  /** How many failures in a row count for `max_fails`. */
  FAILS,
  SELECTED,
  /** Milliseconds, a moving average; -1: none yet. */
  HEADER_TIME,
  RESPONSE_TIME,
  /** What `least_time` goes by: milliseconds, a moving average; -1: none yet. */
  EXPECTED_TIME,

  /** A server's number in its upstream; with the incarnation it tells the server from all others. */
  ID,
  NEXT_FREE,
  /**
   * When the drain job of a server removes it even if it is not idle; 0: there is no such job, or its deadline has not
   * been read yet.
   */
  LEAVE_AT,
  /** What health says of it: a `State`. */
  STATE,
  /** Of the last failure that counts for `max_fails`, and of the last trial after one. */
  FAILED_AT,
  TRIED_AT,
  /** How often it became unavailable. */
  UNAVAIL,
  /** Since when it has not been up, and for how many milliseconds it was not before. */
  DOWN_SINCE,
  DOWNTIME,
  /** Since when `slow_start` raises its weight. */
  STARTED_AT,

  /**
   * The result of active checks, a `Check`; the number of checks in a row that contradict it, above 0 for passed and
   * below 0 for failed ones; and when the next one is due.
   */
  CHECK,
  CHECK_RESULTS,
  PROBE_DUE,
  /** How many checks there were, how many failed, and how often it became unhealthy. */
  CHECKS,
  CHECK_FAILS,
  UNHEALTHY,
  /** 1: the last check passed; 0: it failed; -1: there was none. */
  LAST_PASSED,

  /** Until when outlier detection keeps it out, when it last ended, and how often it has in a row. */
  EJECTED_UNTIL,
  EJECTION_ENDED,
  EJECTIONS,
  /** Bad responses in a row. */
  ERRORS_5XX,
  ERRORS_GATEWAY,
  /** The numbers of responses and errors at the last comparison of success rates. */
  COMPARED_RESPONSES,
  COMPARED_ERRORS,

  /** When the registration of a server that registers itself ends; 0: it is not known yet. */
  EXPIRES,

  /** When a server has reported its utilization last, and what it has reported last; -1: it does not say, or never has. */
  REPORTED_AT,
  UTILIZATION,
  CONNECTIONS,
  RPS,
  EPS,
  /** A `Reported`, and when there was a report last. */
  REPORTED_STATE,
  STATE_REPORTED_AT,
  /** That report's own time (seconds since 1970, by the server's clock), and since when reports have come without a gap. */
  REPORT_TIME,
  REPORTING_SINCE,
  /** How many reports have come, and how many others were none. */
  REPORTS,
  BAD_REPORTS,
  /** Its weight is as many times the configured one; 0: 1. And a `Reason` for that. */
  FACTOR,
  FACTOR_REASON,
  /** How many requests it has been chosen for till the minute before this one began, and till this one began. */
  PICKS_BEFORE,
  PICKS,

  /**
   * Of a server that has registered itself, in the cell that only free rows use: when its registration
   * ended, if the guard keeps it all the same. Written under the lock. It counts while `EXPIRES` is equal: a
   * renewal needs no lock.
   */
  EXPIRED_AT = NEXT_FREE,
}

/** The cells that the row of an upstream uses for another purpose than the row of a server. */
export const enum UpstreamRow {
  /** The revision of the last change of the upstream. */
  REVISION = Row.UNUSED,
  /** Rises with each change of the state of one of the upstream's servers. */
  HEALTH_REVISION = Row.LEAVE_AT,
  /** 1 once the upstream has had a health check. */
  WAS_CHECKED = Row.CHECK,
  /** When success rates were compared last. */
  COMPARED_AT = Row.COMPARED_RESPONSES,
  /** Rises with each change of a factor of one of its servers. */
  LOAD_REVISION = Row.REPORTS,
  /** When a minute of picks began. */
  MINUTE_AT = Row.PICKS,
  /** Since when the load has been above the high water, or below the low; 0: it is not. */
  HIGH_SINCE = Row.REPORT_TIME,
  LOW_SINCE = Row.REPORTING_SINCE,
  /**
   * When it was last decided to scale, or when this gateway has learnt of another gateway's decision; until when the
   * call of the webhook may still be under way; when this gateway may call it next.
   */
  SCALED_AT = Row.REPORTED_AT,
  PENDING_UNTIL = Row.PICKS_BEFORE,
  CALL_DUE = Row.FACTOR,
  /** The generation of the worker that last found a request which had ended without `log()`; 0: none has. */
  UNLOGGED = Row.BAD_REPORTS,
  /** The revision that set a check which has passed on no server yet, below 0 once reported; 0: none. */
  UNPROVEN_SINCE = Row.CHECK_RESULTS,
}

/** What a server says of itself. */
export const enum Reported {
  UP,
  DRAIN,
  DOWN,
  /** Its agent gives it no weight: it drains until there is some. */
  WEIGHTLESS,
}

/** Stands for a server's number in the row of an upstream. */
export const NO_ID = -1;

/** What health says of a server. */
export const enum State {
  UP,
  /** Too many failures, or ejected by outlier detection. */
  UNAVAIL,
  /** A first check must pass before it gets requests. */
  CHECKING,
  /** Active checks fail. */
  UNHEALTHY,
}

/** What active checks say. */
export const enum Check {
  NONE,
  PASSED,
  FAILED,
  /** None yet, and one must pass. */
  WANTED,
}

/** What is counted. */
export const enum Counter {
  REQUESTS,
  SENT,
  RECEIVED,
  FAILS,
  /** Of those, the ones without a response. */
  UNANSWERED,
  /** From here on one cell a status code that was met: code + 1024 × count. */
  FIRST_CODE,
}

/** What is counted at an upstream's own row. */
export const enum UpstreamCounter {
  /** Requests without a value for the key of `hash`. */
  WITHOUT_KEY,
  /** Requests that wait in the queue, and those that found it full. */
  WAITING,
  OVERFLOWS,
}

/** The last cell of a server's counters, and so of its codes. */
export const LAST_CODE = 39;
/** A cell's count is worth this much; no status code is as large. */
export const CODE_STEP = 1024;
