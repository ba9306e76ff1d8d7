/** The values of cells that hold a state. */

/** The states of a server's health. */
export const enum State {
  UP,
  /** Too many failures, or ejected by outlier detection. */
  UNAVAIL,
  /** A first check must pass before the server gets requests. */
  CHECKING,
  /** Active checks fail. */
  UNHEALTHY,
}

/** The results of active checks. */
export const enum Check {
  NONE,
  PASSED,
  FAILED,
  /** There was no check yet, and one must pass. */
  WANTED,
}

/** The states that a server can report of itself. */
export const enum Reported {
  UP,
  DRAIN,
  DOWN,
  /** Its agent reports a weight of 0: the server drains until it reports another weight. */
  WEIGHTLESS,
}

/** Why outlier detection takes a server for an outlier, compared with the other servers. */
export const enum Anomaly {
  NONE,
  /** Its error rate is too high. */
  ERRORS,
  /** Its latency is too high. */
  LATENCY,
}

/** What outlier detection does to outliers, beside ejections. */
export const enum OutlierMode {
  NONE,
  DETECT,
  DEGRADE,
}
