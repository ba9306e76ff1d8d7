import { block, optional, required, with_default, type ConfigOf } from "./block";
import { time_from, whole_from } from "./values";

const LONGEST_TIME = "365d";
const LARGEST_QUEUE = 100000;

/** How many retries may be in flight. */
export const RETRY_BUDGET = block({
  /** Retries in percent of the upstream's other requests in flight. */
  percent: with_default(whole_from(0, 100), 20),
  /** Number of retries that are allowed in any case. */
  min_concurrent: with_default(whole_from(0, LARGEST_QUEUE), 3),
});

/** When a request that failed at a server is sent to another. */
export const RETRIES = block({
  /** Most servers that one request is sent to. Default: 10. */
  tries: optional(whole_from(1, 100)),
  /** Time after the first try after which no other begins. Default: none. */
  timeout: optional(time_from("1ms", LONGEST_TIME)),
  /** Limits the retries of all requests together. Default: none. */
  budget: optional(RETRY_BUDGET),
});
export type RetriesConfig = ConfigOf<typeof RETRIES>;

/** Where requests wait while every server has `max_conns` requests; needs `access` in the location. */
export const QUEUE = block({
  /** Most requests that wait, over all workers. */
  size: required(whole_from(1, LARGEST_QUEUE)),
  /** Longest time that a request waits. */
  timeout: with_default(time_from("1ms", LONGEST_TIME), "60s"),
});
export type QueueConfig = ConfigOf<typeof QUEUE>;
