import { uniform, type Random } from "./random";
import type { Timeline } from "./timeline";

/** The servers of the testbed: each has slots, a queue in the order of arrival, and a speed that changes. */

/** A request at a server. */
export interface Job {
  /** The work in seconds, at speed 1. */
  work: number;
  /** Called when it is answered. */
  end: (this: void, now: number, is_failure: boolean) => void;
}

export interface ModelServer {
  /** Its speed without other load of its machine. */
  base_speed: number;
  /** The present factor of its speed, by the load of its neighbours. */
  noise: number;
  is_noisy: boolean;
  slots: number;
  /** Requests in service, and the queue. */
  busy: number;
  queue: Job[];
  first: number;
  /** What it does with requests instead of serving them; undefined: it serves them. */
  fault: "fails at once" | "never answers" | undefined;
  /** The largest number of requests that were at it at a time. */
  most: number;
}

/**
 * The part of the time in a slot that does not depend on the speed, in seconds. The timers of the published
 * testbed have a resolution of a millisecond and round up.
 */
const TICK = 0.001;
/** The time after which the load of neighbours changes, in seconds, and the factors of the speed. */
const CHANGE = [0.7, 1.3] as const;
const QUIET = [1.2, 2] as const;
const HINDERED = [0.3, 0.7] as const;
const FREE = [0.9, 1.3] as const;

export function new_server(base_speed: number, slots: number, is_noisy: boolean): ModelServer {
  return { base_speed, noise: 1, is_noisy, slots, busy: 0, queue: [], first: 0, fault: undefined, most: 0 };
}

/** Returns the number of requests at a server. */
export function requests_at({ busy, queue, first }: ModelServer): number {
  return busy + queue.length - first;
}

function begin(timeline: Timeline, server: ModelServer, job: Job, now: number): void {
  server.busy += 1;
  const service = TICK + job.work / (server.base_speed * server.noise);
  timeline.at(now + service, (then) => {
    server.busy -= 1;
    job.end(then, false);
    const next = server.queue[server.first];
    if (next === undefined) return;
    server.first += 1;
    if (server.first === server.queue.length) {
      server.queue = [];
      server.first = 0;
    }
    begin(timeline, server, next, then);
  });
}

/** Sends a request to a server. */
export function serve(timeline: Timeline, server: ModelServer, job: Job, now: number): void {
  if (server.fault === "never answers") return;
  if (server.fault === "fails at once") {
    timeline.at(now + TICK, (then) => job.end(then, true));
    return;
  }
  if (server.busy < server.slots) begin(timeline, server, job, now);
  else server.queue.push(job);
  server.most = math.max(server.most, requests_at(server));
}

/** Draws the load of a server's neighbours anew, again and again until `end`. */
export function make_noise(
  timeline: Timeline,
  server: ModelServer,
  random: Random,
  now: number,
  end: number,
): void {
  const range = !server.is_noisy ? QUIET : random() < 0.5 ? HINDERED : FREE;
  server.noise = uniform(random, range[0], range[1]);
  const next = now + uniform(random, CHANGE[0], CHANGE[1]);
  if (next < end) timeline.at(next, (then) => make_noise(timeline, server, random, then, end));
}
