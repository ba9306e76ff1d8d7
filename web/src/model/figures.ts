import { dense, difference, quantile } from "./buckets";
import { History } from "./history";
import { Recent, type Sample } from "./recent";
import type { Responses, SparseCounts } from "./types";

/** The recent figures of an upstream or a server. */
export interface Figures {
  /** Requests per second; undefined: not known yet. */
  rate: number | undefined;
  /** The part of the requests that failed, from 0 to 1: a 5xx response, or none. */
  errors: number | undefined;
  /** Responses per second by class, from 1xx to 5xx. */
  classes: number[];
  /** Failed attempts per second. */
  fails: number;
}

/** Recent response times in milliseconds; undefined: there were no responses. */
export interface Percentiles {
  p50: number | undefined;
  p99: number | undefined;
}

const NO_PERCENTILES: Percentiles = { p50: undefined, p99: undefined };

export const NO_FIGURES: Figures = {
  rate: undefined,
  errors: undefined,
  classes: [0, 0, 0, 0, 0],
  fails: 0,
};

/** Rates cover 5 to 10 s, and percentiles 20 to 40 s, because they need more responses. */
const RATE_SPAN = 5;
const TIMES_SPAN = 20;

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/** The counters from which figures are made. */
export interface Counters {
  requests: number;
  responses: Responses;
  fails: number;
  times: SparseCounts | undefined;
}

function sampleOf(counters: Counters, time: number, bounds: readonly number[]): Sample {
  return {
    time,
    requests: counters.requests,
    classes: CLASSES.map((name) => counters.responses[name] ?? 0),
    fails: counters.fails,
    counts: dense(counters.times, bounds.length + 1),
  };
}

function perSecond(recent: Recent): number | undefined {
  const ends = recent.ends();
  if (ends === undefined) return undefined;
  const [base, last] = ends;
  return (last.requests - base.requests) / (last.time - base.time);
}

/** Follows the counters of an upstream or a server. */
export class Meter {
  private readonly rates = new Recent(RATE_SPAN);
  private readonly times = new Recent(TIMES_SPAN);
  private bounds: readonly number[] = [];
  private known: Figures | undefined;
  private knownTimes: Percentiles | undefined;
  readonly history = new History();

  /** Adds new counters. `time`: the gateway's monotonic clock; `bounds`: those of the buckets. */
  add(counters: Counters, time: number, bounds: readonly number[]): void {
    this.bounds = bounds;
    this.note(sampleOf(counters, time, bounds));
  }

  /** Notes that the counters have not changed until now. */
  stay(time: number): void {
    const { newest } = this.rates;
    if (newest !== undefined) this.note({ ...newest, time });
  }

  /** Ends an idle time: the counters have not changed until now, and are about to. */
  wake(time: number): void {
    this.rates.restart(time);
    this.times.restart(time);
    this.history.addZeros(time);
  }

  /** Tells whether all recent figures are 0, so that unchanged counters change nothing. */
  get isIdle(): boolean {
    return perSecond(this.rates) === 0 && perSecond(this.times) === 0;
  }

  /** The recent figures. */
  get figures(): Figures {
    this.known ??= this.compute();
    return this.known;
  }

  /** The recent percentiles, which are computed on demand: most rows of a long table are not visible. */
  get percentiles(): Percentiles {
    this.knownTimes ??= this.computePercentiles();
    return this.knownTimes;
  }

  private note(sample: Sample): void {
    this.rates.add(sample);
    this.times.add(sample);
    this.known = undefined;
    this.knownTimes = undefined;
    const rate = perSecond(this.rates);
    if (rate !== undefined) this.history.add(sample.time, rate);
  }

  private compute(): Figures {
    const ends = this.rates.ends();
    if (ends === undefined) return NO_FIGURES;
    const [base, last] = ends;
    const seconds = last.time - base.time;
    const requests = last.requests - base.requests;
    const classes = difference(last.classes, base.classes);
    const fails = Math.max(0, last.fails - base.fails);
    const failed = (classes[4] ?? 0) + fails;
    return {
      rate: requests / seconds,
      errors: requests === 0 ? undefined : Math.min(1, failed / requests),
      classes: classes.map((count) => count / seconds),
      fails: fails / seconds,
    };
  }

  private computePercentiles(): Percentiles {
    const ends = this.times.ends();
    if (ends === undefined) return NO_PERCENTILES;
    const [earlier, later] = ends;
    const counts = difference(later.counts, earlier.counts);
    return { p50: quantile(counts, this.bounds, 0.5), p99: quantile(counts, this.bounds, 0.99) };
  }
}
