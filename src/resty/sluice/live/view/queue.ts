import type { QueueConfig } from "../../config/admission";
import { seconds_of } from "../../config/time";
import { first_of, new_fifo } from "../../lib/fifo";
import type { Queue } from "./model";

/** The queue of the requests of this worker that wait for the servers of an upstream. */

/** Makes the queue of an upstream. The requests in the queue before it continue to wait. */
export function queue_of(config: QueueConfig | undefined, before: Queue | undefined): Queue | undefined {
  if (config === undefined) return undefined;
  return { size: config.size, timeout: seconds_of(config.timeout), waiters: before?.waiters ?? new_fifo() };
}

/** Wakes the first waiter, which checks whether a server has room. */
export function wake_first({ waiters }: Queue): void {
  const first = first_of(waiters);
  if (first !== undefined && first.semaphore.count() < 1) first.semaphore.post();
}

/** Wakes the first waiter after a request to the upstream has ended. Hot. */
export function wake({ queue }: { queue?: Queue | undefined }): void {
  if (queue !== undefined && queue.waiters.size > 0) wake_first(queue);
}
