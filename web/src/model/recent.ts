/** Rates of the last seconds, from counters that only rise. */

/** The counters of an upstream or a server at one moment. */
export interface Sample {
  /** The gateway's monotonic clock, in seconds. */
  time: number;
  requests: number;
  /** Responses by class, from 1xx to 5xx. */
  classes: readonly number[];
  fails: number;
  /** Response times by bucket. */
  counts: readonly number[];
}

/** Longest time between two samples, in seconds. A hidden tab has longer ones, whose average says little. */
const LONGEST_GAP = 60;

/** Tells whether two samples cannot be compared: counters were reset, or the first one is too old. */
function isBreak(later: Sample, earlier: Sample): boolean {
  const seconds = later.time - earlier.time;
  return seconds < 0 || seconds > LONGEST_GAP || later.requests < earlier.requests;
}

/**
 * The change over a span of time that slides with each sample. It keeps only two samples beside the newest:
 * the change covers at least one and at most two times `span` seconds, once there are samples of that time.
 */
export class Recent {
  private base: Sample | undefined;
  private next: Sample | undefined;
  private last: Sample | undefined;

  constructor(private readonly span: number) {}

  add(sample: Sample): void {
    if (this.last !== undefined && isBreak(sample, this.last)) {
      this.base = undefined;
      this.next = undefined;
    }
    this.last = sample;
    if (this.base === undefined) this.base = sample;
    else if (this.next === undefined) {
      if (sample.time - this.base.time >= this.span) this.next = sample;
    } else if (sample.time - this.next.time >= this.span) {
      this.base = this.next;
      this.next = sample;
    }
  }

  /** Begins anew with the newest sample, which is known to be valid until `time`. */
  restart(time: number): void {
    if (this.last === undefined) return;
    this.last = { ...this.last, time };
    this.base = this.last;
    this.next = undefined;
  }

  /** The newest sample; undefined: there is none yet. */
  get newest(): Sample | undefined {
    return this.last;
  }

  /** Returns the samples at the beginning and at the end; undefined: there are not two samples yet. */
  ends(): [base: Sample, last: Sample] | undefined {
    const { base, last } = this;
    return base === undefined || last === undefined || last.time <= base.time ? undefined : [base, last];
  }
}
