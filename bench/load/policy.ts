import type { Random } from "./random";

/** A rule that chooses servers, as one client or one gateway applies it. */

/** What an answer says. */
export interface Answer {
  /** The time from the choice to the answer, in seconds. */
  latency: number;
  is_failure: boolean;
  /** The number of other requests at the server when it answered: a report in the response. */
  in_flight: number;
}

export interface Policy {
  /** Chooses a server and counts the request; returns its index. undefined: none is available. */
  choose: (this: void, now: number) => number | undefined;
  /** A server has answered a request. */
  note: (this: void, index: number, answer: Answer, now: number) => void;
}

/** Makes a policy for one of the gateways, which number from 0 on. */
export type NewPolicy = (this: void, servers: number, gateway: number, random: Random) => Policy;
