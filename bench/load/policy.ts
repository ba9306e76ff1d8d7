import type { Random } from "./random";
import type { ModelServer } from "./server";

/** A rule that chooses servers, as one client or one gateway applies it. */

/** The end of a request, as the gateway sees it. */
export interface Answer {
  /** The time from the choice to the answer, in seconds. */
  latency: number;
  /** True: the server failed, or did not answer in time. */
  is_failure: boolean;
  is_late: boolean;
  /** What the server reports with a response: the number of other requests there, and its utilization. */
  in_flight: number;
  server: ModelServer;
}

export interface Policy {
  /** Chooses a server and counts the request; returns its index. undefined: none is available. */
  choose: (this: void, now: number) => number | undefined;
  /** A request to a server has ended. */
  note: (this: void, index: number, answer: Answer, now: number) => void;
  /** A server gets no further requests. */
  leave: (this: void, index: number, now: number) => void;
  /** A server that has left is back, as a new process. */
  enter: (this: void, index: number, now: number) => void;
}

/** The load that a probe finds. Latencies are in seconds. */
export type Probed = (this: void, index: number, in_flight: number, latency: number, now: number) => void;

/** Where a policy runs. */
export interface Place {
  /** The number of servers; all of them are in the rotation. */
  servers: number;
  /** The number of the gateway, from 0. */
  gateway: number;
  random: Random;
  /** Asks a server for its load, without waiting for the answer. */
  probe: (this: void, index: number, answered: Probed) => void;
  /** Runs an action every so many seconds. */
  every: (this: void, seconds: number, action: (this: void, now: number) => void) => void;
}

export type NewPolicy = (this: void, place: Place) => Policy;
