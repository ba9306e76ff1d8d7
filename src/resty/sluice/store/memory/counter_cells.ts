/** The meaning of the cells that count, each written by one worker. `region.ts` computes their offsets. */

/** What is counted. */
export const enum Counter {
  REQUESTS,
  SENT,
  RECEIVED,
  FAILS,
  /** The failures without a response. */
  UNANSWERED,
  /** The responses in the histograms of times (`TimeCell`); 0: those cells hold nothing yet. */
  TIMED,
  /**
   * From here on, one cell for each status code that occurred: code + 1024 × count. They are filled from the
   * first one on. Codes after the first ones are at `rare_codes_of`.
   */
  FIRST_CODE,
}

/**
 * The cells of one group of buckets of the histograms of a server's times: `times.ts`. Only the first group,
 * that of the shortest times, has the sums, in milliseconds, and the bits of the groups in use.
 */
export const enum TimeCell {
  /** Up to six buckets of header times, of which the first group has five, and those of response times. */
  FIRST_HEADER,
  HEADER_SUM = FIRST_HEADER + 5,
  FIRST_RESPONSE,
  RESPONSE_SUM = FIRST_RESPONSE + 5,
  GROUPS,
  /** The number of these cells. */
  CELLS,
}

/** The counters of an upstream, at its own row. */
export const enum UpstreamCounter {
  /** Requests without a value for the key of `hash`. */
  WITHOUT_KEY,
  /** Requests that wait in the queue, and requests that found it full. */
  WAITING,
  OVERFLOWS,
  /** Requests that have waited in the queue, or wait there now. */
  WAITS,
  /** Attempts after the first one of a request, and requests that the retry budget has denied one. */
  RETRIES,
  DENIED_RETRIES,
  /** What removed servers have counted, only in slot 0: `departed.ts`. The last are at `rare_codes_of`. */
  DEPARTURES,
  DEPARTED_TIMED,
  FIRST_DEPARTED,
}

/** The number of status codes that are counted, and of those among them that have room in the counters. */
export const CODES = 18;
export const COMMON_CODES = 10;
export const RARE_CODES = 8;
/** The last cell of a server's counters. */
export const LAST_CODE = 15;
/** The factor of the count in a status code's cell. Status codes are smaller. */
export const CODE_STEP = 1024;
