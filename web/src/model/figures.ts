import { dense, quantile } from "./buckets";
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
  /** Milliseconds; undefined: there were no responses. */
  p50: number | undefined;
  p99: number | undefined;
}

export const NO_FIGURES: Figures = {
  rate: undefined,
  errors: undefined,
  classes: [0, 0, 0, 0, 0],
  fails: 0,
  p50: undefined,
  p99: undefined,
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

/** Follows the counters of an upstream or a server. */
export class Meter {
  private readonly rates = new Recent(RATE_SPAN);
  private readonly times = new Recent(TIMES_SPAN);
  readonly history = new History();
  figures: Figures = NO_FIGURES;

  /** Adds new counters. `time`: the gateway's monotonic clock. */
  add(counters: Counters, time: number, bounds: readonly number[]): void {
    this.note(sampleOf(counters, time, bounds), bounds);
  }

  /** Notes that the counters have not changed until now. */
  stay(time: number, bounds: readonly number[]): void {
    const { newest } = this.rates;
    if (newest !== undefined) this.note({ ...newest, time }, bounds);
  }

  /** Ends an idle time: the counters have not changed until now, and are about to. */
  wake(time: number): void {
    this.rates.restart(time);
    this.times.restart(time);
    this.history.addZeros(time);
  }

  /** Tells whether all recent figures are 0, so that unchanged counters change nothing. */
  get isIdle(): boolean {
    const { rate, p50 } = this.figures;
    return rate === 0 && p50 === undefined;
  }

  private note(sample: Sample, bounds: readonly number[]): void {
    this.rates.add(sample);
    this.times.add(sample);
    const recent = this.rates.change();
    if (recent === undefined) return;
    const perSecond = (count: number): number => count / recent.seconds;
    const counts = this.times.change()?.counts ?? [];
    const failed = (recent.classes[4] ?? 0) + recent.fails;
    this.figures = {
      rate: perSecond(recent.requests),
      errors: recent.requests === 0 ? undefined : Math.min(1, failed / recent.requests),
      classes: recent.classes.map(perSecond),
      fails: perSecond(recent.fails),
      p50: quantile(counts, bounds, 0.5),
      p99: quantile(counts, bounds, 0.99),
    };
    this.history.add(sample.time, this.figures.rate ?? 0);
  }
}
