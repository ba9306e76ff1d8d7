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
  /** From here on, one cell for each status code that occurred: code + 1024 × count. */
  FIRST_CODE,
}

/** The histograms of a server's times in milliseconds, 29 buckets each: `times.ts`. */
export const enum TimeCell {
  HEADER_SUM,
  RESPONSE_SUM,
  FIRST_HEADER,
  FIRST_RESPONSE = FIRST_HEADER + 29,
  LAST = FIRST_RESPONSE + 28,
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
  /** What removed servers have counted, only in slot 0: `departed.ts`. */
  DEPARTURES,
  DEPARTED_TIMED,
  FIRST_DEPARTED,
}

/** The last cell of a server's counters. */
export const LAST_CODE = 39;
/** The factor of the count in a status code's cell. Status codes are smaller. */
export const CODE_STEP = 1024;
