import { Refusal } from "../api/client";
import { Store } from "./store";

/** Whether the gateway answers. */
export interface Connection {
  /** When the last answer arrived, by `performance.now()`; undefined: never. */
  lastAnswer: number | undefined;
  /** Why the last request failed; undefined: it did not. */
  failure: Refusal | undefined;
  /** The number of failures in a row. */
  failures: number;
  /** When the next request is sent, by `performance.now()`. */
  nextTry: number;
  /** The seconds between two requests. */
  interval: number;
}

export const connection = new Store<Connection>({
  lastAnswer: undefined,
  failure: undefined,
  failures: 0,
  nextTry: 0,
  interval: 1,
});

/** Requests are not repeated faster than this, in seconds, and not slower than the other. */
const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 15;
/** Data is stale after so many intervals. */
const STALE_INTERVALS = 4;

/** Notes an answer. Returns the seconds until the next request. */
export function noteAnswer(interval: number): number {
  const pause = Math.max(SHORTEST_PAUSE, interval);
  const now = performance.now();
  connection.set({
    lastAnswer: now,
    failure: undefined,
    failures: 0,
    nextTry: now + pause * 1000,
    interval: pause,
  });
  return pause;
}

/** Notes a failure. Returns the seconds until the next request: twice as long after each failure. */
export function noteFailure(cause: unknown): number {
  const failure = cause instanceof Refusal ? cause : new Refusal(0, "", String(cause));
  const before = connection.get();
  const failures = before.failures + 1;
  const pause = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (failures - 1)) * (0.8 + 0.4 * Math.random());
  const nextTry = performance.now() + pause * 1000;
  connection.set({ ...before, failure, failures, nextTry });
  return Math.max(SHORTEST_PAUSE, pause);
}

/** Returns the age of the data in seconds; undefined: there is none. */
export function dataAge({ lastAnswer }: Connection): number | undefined {
  return lastAnswer === undefined ? undefined : (performance.now() - lastAnswer) / 1000;
}

/** Tells whether the page must say that its data is old. */
export function isStale(state: Connection): boolean {
  const age = dataAge(state);
  return age !== undefined && state.failures > 0 && age > Math.max(3, state.interval * STALE_INTERVALS);
}

/** Tells whether the gateway wants a token before it shows anything. */
export function needsToken({ failure }: Connection): boolean {
  return failure?.status === 401;
}
