/** The meaning of the cells of the shared memory, part by part. `region.ts` computes their offsets. */

/** The number of a row, from 1. A number at run time; the brand keeps it apart from a `Cell`. */
export type RowNumber = number & { readonly brand: "RowNumber" };

/** The offset of the first cell of a group: `memory[row + Row.STATE]`, where `row` is the `Cell` of a row. */
export type Cell = number & { readonly brand: "Cell" };

/** Where the cells of rows are: `region.ts`. */
export const enum RowPlace {
  /** The common cells of a row: three cache lines. */
  SIZE = 24,
  /** The number of rows in a block. */
  ROWS = 128,
  /** The distances from the common cells of a row to its rare ones, of which each kind has as many cells. */
  HEALTH = SIZE * ROWS,
  LOAD = 2 * HEALTH,
  COMPARISON = 3 * HEALTH,
  /** The cells of a block. */
  BLOCK = 4 * HEALTH,
}

/**
 * The cells of a row. Times are moments of the monotonic clock (`lib/clock`), and 0 means never, unless noted
 * otherwise. Most servers have only the common cells: the rare ones are written after `use_rare_cells`, and
 * read at `rare_cells_of` where the server may not have them (`rare_cells.ts`).
 */
export const enum Row {
  // The first line has all that a pick reads of a server, and the second one what most requests read.
  /**
   * The incarnation of the server that has the row, or the revision that created the upstream; 0: the row is
   * free.
   */
  STAMP,
  /** Only the row of an upstream uses this cell. */
  UPSTREAM_ONLY,
  /**
   * Until when the server gets no requests for reasons of health; infinite: until a check passes; 0: it gets
   * requests.
   */
  UNAVAILABLE_UNTIL,
  SELECTED,
  /** The time that methods expect a response to take, a moving average in milliseconds; -1: not known. */
  EXPECTED_TIME,
  /** The number of requests in flight that belongs to `EXPECTED_TIME`; only for `least_load`. */
  EXPECTED_REQUESTS,
  /** The requests of others that the server had by its last report, and when that was. */
  ELSEWHERE,
  ELSEWHERE_AT,

  /** The number of consecutive failures that count for `max_fails`. */
  FAILS,
  /** A moving average in milliseconds; -1: none yet. */
  HEADER_TIME,
  RESPONSE_TIME,
  /** The number of consecutive bad responses. */
  ERRORS_5XX,
  /** The server's `fail_timeout` in seconds. Writers set it: `store/limits.ts`. */
  FAIL_TIMEOUT,
  /** The server's id. Together with the incarnation it is unique. */
  ID,
  NEXT_FREE,
  /** When `slow_start` began to raise the weight. */
  STARTED_AT,

  /** A `State`. */
  STATE,
  /** The server's `max_fails`. Writers set it: `store/limits.ts`. */
  MAX_FAILS,
  /** The result of active checks, a `Check`. */
  CHECK,
  /** Until when outlier detection ejects the server. */
  EJECTED_UNTIL,
  /** A `Reported`. */
  REPORTED_STATE,
  /** The number of picks when the previous minute began, and when the current minute began. */
  PICKS_BEFORE,
  PICKS,
  /** 1 once the server has rare cells. */
  USES_RARE,

  /** The number of common cells. */
  COMMON,

  /** When the last failure that counts for `max_fails` happened, and the last trial after one. */
  FAILED_AT = RowPlace.HEALTH,
  TRIED_AT,
  /** How often the server became unavailable. */
  UNAVAIL,
  /** Since when the server has not been up, and for how many milliseconds it was not up before. */
  DOWN_SINCE,
  DOWNTIME,
  /** When a drain job removes the server even if it is not idle; 0: no job, or its deadline is unread. */
  LEAVE_AT,
  /** When the registration of a server that registers itself ends; 0: not known yet. */
  EXPIRES,
  /**
   * The number of consecutive checks that contradict `CHECK`, above 0 for passed and below 0 for failed ones;
   * and when the next check is due.
   */
  CHECK_RESULTS,
  PROBE_DUE,
  /** The number of checks, of failed checks, and how often the server became unhealthy. */
  CHECKS,
  CHECK_FAILS,
  UNHEALTHY,
  /** 1: the last check passed; 0: it failed; -1: there was none. */
  LAST_PASSED,
  /** When the last ejection ended, the number of ejections in a row, and of all ejections. */
  EJECTION_ENDED,
  EJECTIONS,
  ALL_EJECTIONS,
  /** The number of consecutive responses with 502, 503 or 504. */
  ERRORS_GATEWAY,
  /** The part of its weight that outlier detection leaves to the server, where 0 means 1. */
  OUTLIER_PART,
  /** The `Anomaly` of the server, since when it has had it, and how often outlier detection has found one. */
  ANOMALY,
  ANOMALOUS_SINCE,
  ANOMALIES,
  /** With the mode "detect": until when the server would be ejected. */
  REPORTED_UNTIL,
  /** Since when the server has reported another state than "up". */
  REPORTED_SINCE,

  /** When the server last reported its utilization, and what it reported; -1: not reported. */
  REPORTED_AT = RowPlace.LOAD,
  UTILIZATION,
  CONNECTIONS,
  RPS,
  EPS,
  /** When the last report arrived. */
  STATE_REPORTED_AT,
  /**
   * The time in that report (seconds since 1970, by the server's clock), and since when reports have arrived
   * without a gap.
   */
  REPORT_TIME,
  REPORTING_SINCE,
  /** The number of reports, and of answers that were no valid report. */
  REPORTS,
  BAD_REPORTS,
  /** The factor of the configured weight, where 0 means 1, and a `Reason` for it. */
  FACTOR,
  FACTOR_REASON,
  /** The mean time of responses for `least_load`, and the mean number of requests in flight then. */
  MEAN_TIME,
  MEAN_REQUESTS,
  /** The time that the server expected by its last report, the requests in flight then, and when that was. */
  LATENCY,
  LATENCY_REQUESTS,
  LATENCY_AT,
  /**
   * The adaptive limit of the requests in flight; 0: none yet. And the time of a response with few requests.
   */
  LIMIT,
  LIGHT_TIME,

  /** The numbers of responses and errors at the last comparison of success rates. */
  COMPARED_RESPONSES = RowPlace.COMPARISON,
  COMPARED_ERRORS,
  /** The responses, errors, answers and times at the last judgement for anomalies, and when that was. */
  JUDGED_RESPONSES,
  JUDGED_ERRORS,
  JUDGED_ANSWERS,
  JUDGED_TIMED,
  JUDGED_TIME,
  JUDGED_AT,
  /** 1: its latency was anomalous at the last comparison. */
  SUSPECTED,

  /**
   * When the registration of a server ended that the guard still keeps. Written under the lock. It
   * counts while `EXPIRES` is equal to it, so that a renewal needs no lock. The cell is otherwise used by
   * free rows only.
   */
  EXPIRED_AT = NEXT_FREE,
}

/** The cells of the row of an upstream, which has no rare ones. `STAMP` and `ID` are those of `Row`. */
export const enum UpstreamRow {
  // The first line has what each request reads.
  /** The revision of the last change of the upstream. */
  REVISION = Row.UPSTREAM_ONLY,
  /** Rises when the state of one of the upstream's servers changes. */
  HEALTH_REVISION,
  /** Rises when the factor of one of the upstream's servers changes, for its load or as an outlier. */
  LOAD_REVISION,
  /** The requests in flight, for the weight, above which a server is hot for `least_load`. */
  HOT_FROM,
  /** An `OutlierMode`, so that workers note only what their upstream still asks for. */
  OUTLIER_MODE,
  /** When the current minute of picks began. */
  MINUTE_AT,
  /** The generation of the worker that last found a request which had ended without `log()`; 0: none has. */
  UNLOGGED,

  /** 1 once the upstream has had a health check. */
  WAS_CHECKED,
  /** The revision that set a check which has passed on no server yet, below 0 once reported; 0: none. */
  UNPROVEN_SINCE,
  /** When success rates were last compared, and when its servers were last judged for anomalies. */
  COMPARED_AT,
  JUDGED_AT,
  /** The number of addresses that the upstream keeps although `guard` does not allow them. */
  OLD_PLACES,
  /** When a worker last showed a summary of the upstream that may pass: `api/status/shown.ts`. */
  RESTLESS_AT = Row.STARTED_AT,

  /** Since when the load has been above the high threshold, or below the low threshold; 0: it is not. */
  HIGH_SINCE,
  LOW_SINCE,
  /**
   * When the last decision to scale was made or learnt from another gateway; until when the call of the
   * webhook may be under way; when this gateway may make the next call.
   */
  SCALED_AT,
  PENDING_UNTIL,
  CALL_DUE,
  /** The number of this gateway's decisions to scale out, and to scale in. */
  SCALE_OUTS,
  SCALE_INS,
  /**
   * The number in the id of the last call that was answered; 0: none was. The cell tells of a server whether
   * it has rare cells.
   */
  ANSWERED_CALL,

  /**
   * 1 while outlier detection may eject servers of the upstream. Written under the lock. The cell is
   * otherwise used by free rows only.
   */
  EJECTS = Row.NEXT_FREE,
}

/** The value of `Row.ID` in the row of an upstream. */
export const NO_ID = -1;
