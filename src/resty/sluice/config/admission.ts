import { shape, shaped } from "../lib/json";
import { read_block, read_members, type Read, type Reader, type ReadersOf } from "./fields";
import { missing_argument } from "./problem";
import { time_from, whole_from } from "./values";

/** How many retries an upstream may have. */
export interface BudgetConfig {
  /** For a hundred of its requests under way that are no retries, so many may be, */
  percent: number;
  /** but always so many. */
  min_concurrent: number;
}

/** When a request that failed at a server is sent to another. */
export interface RetriesConfig {
  /** The greatest number of servers that a request is sent to; absent: 10. */
  tries?: number;
  /** An nginx time from the first try on, after which there is no other; absent: none. */
  timeout?: string;
  /** Absent: none, every request may have its tries. */
  budget?: BudgetConfig;
}

/** Where requests wait while every server has its `max_conns`. */
export interface QueueConfig {
  /** How many may wait. */
  size: number;
  /** How long: an nginx time. */
  timeout: string;
}

/** What requests an upstream lets in, and how often. What is absent is off. */
export interface AdmissionConfig {
  retries?: RetriesConfig;
  queue?: QueueConfig;
}

/** Its members, in the order in which they are shown and stored. */
export const ADMISSION_FIELDS = ["retries", "queue"] as const;

const LONGEST_TIME = "365d";
const MOST_TRIES = 100;
const LARGEST_QUEUE = 100000;

const RETRIES_SHAPE = shape(["tries", "timeout", "budget"]);
const BUDGET_SHAPE = shape(["percent", "min_concurrent"]);
const QUEUE_SHAPE = shape(["size", "timeout"]);

/** Copies what is of admission, and nothing else, so that equals have equal JSON texts. Any phase. */
export function admission_of(from: AdmissionConfig): AdmissionConfig {
  const copy: AdmissionConfig = {};
  const { retries, queue } = from;
  if (retries !== undefined) copy.retries = shaped(retries, RETRIES_SHAPE);
  if (retries?.budget !== undefined) shaped(retries.budget, BUDGET_SHAPE);
  if (queue !== undefined) copy.queue = shaped(queue, QUEUE_SHAPE);
  return copy;
}

const BUDGET_READERS = {
  percent: whole_from(0, 100),
  min_concurrent: whole_from(0, LARGEST_QUEUE),
} satisfies ReadersOf<BudgetConfig>;
const BUDGET_DEFAULTS = { percent: 20, min_concurrent: 3 };

function read_budget(this: void, path: string, value: unknown): Read {
  return read_block(path, value, BUDGET_READERS, BUDGET_DEFAULTS);
}

const RETRIES_READERS = {
  tries: whole_from(1, MOST_TRIES),
  timeout: time_from("1ms", LONGEST_TIME),
  budget: read_budget,
} satisfies ReadersOf<RetriesConfig>;

function read_retries(this: void, path: string, value: unknown): Read {
  return read_block(path, value, RETRIES_READERS, {});
}

const QUEUE_READERS = {
  size: whole_from(1, LARGEST_QUEUE),
  timeout: time_from("1ms", LONGEST_TIME),
} satisfies ReadersOf<QueueConfig>;

function read_queue(this: void, path: string, value: unknown): Read {
  const [queue, problem] = read_block(path, value, QUEUE_READERS, { timeout: "60s" });
  if (queue !== undefined && queue.size === undefined)
    return $multi(undefined, missing_argument(`${path}.size`));
  return $multi(queue, problem);
}

const READERS: [name: string, read: Reader][] = [
  ["retries", read_retries],
  ["queue", read_queue],
];

/**
 * Reads what is of admission, with defaults, or on top of `base` for a change. Any phase.
 *
 * @param input an object; members that are not in `ADMISSION_FIELDS` are left to the caller
 * @returns the configuration, or undefined and the problem
 */
export function read_admission(
  input: Record<string, unknown>,
  base?: AdmissionConfig,
): Read<AdmissionConfig> {
  const [members, problem] = read_members(input, base, READERS);
  return $multi(members as AdmissionConfig | undefined, problem);
}
