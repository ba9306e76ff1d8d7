import type { Random } from "./random";
import type { Timeline } from "./timeline";

/** A model of a server: slots, a queue in the order of arrival, and a speed that changes. */

/** A request at a server. */
export interface Job {
  /** The work in seconds, at speed 1. */
  work: number;
  /** Called when it is answered. */
  end: (this: void, now: number, is_failure: boolean) => void;
  /** When it arrived, and how many requests it found. */
  arrived_at: number;
  found: number;
}

export interface ModelServer {
  /** Its speed without other load of its machine. */
  base_speed: number;
  /** The part of its speed that it has at present: less than 1 while something slows it down. */
  part: number;
  /** The present factor of its speed, by the load of its neighbours, and how that is drawn. */
  noise: number;
  neighbours: (this: void, random: Random) => number;
  slots: number;
  /** Requests in service, and the queue. */
  busy: number;
  queue: Job[];
  first: number;
  /** What it does with requests instead of serving them; undefined: it serves them. */
  fault: "fails at once" | "never answers" | undefined;
  /** The busy seconds of all slots and the number of answers, since `counted_from`. */
  used: number;
  answers: number;
  counted_from: number;
  changed_at: number;
  /** What it reports of the last whole second: the busy part of its slots, and answers per second. */
  utilization: number;
  rps: number;
  /** Its last latencies by the number of requests that they found; undefined: nobody asks for them. */
  latencies: LuaTable<number, number[] | undefined> | undefined;
}

/**
 * The part of the time in a slot that does not depend on the speed, in seconds. The timers of the published
 * testbed have a resolution of a millisecond and round up.
 */
const TICK = 0.001;
/** The period that a server's report covers, in seconds. */
const PERIOD = 1;
/** The number of latencies that a server keeps for each number of requests. */
const KEPT = 8;

export function new_server(
  base_speed: number,
  slots: number,
  neighbours: (this: void, random: Random) => number,
): ModelServer {
  return {
    base_speed,
    part: 1,
    noise: 1,
    neighbours,
    slots,
    busy: 0,
    queue: [],
    first: 0,
    fault: undefined,
    used: 0,
    answers: 0,
    counted_from: 0,
    changed_at: 0,
    utilization: 0,
    rps: 0,
    latencies: undefined,
  };
}

/** Returns the number of requests at a server. */
export function requests_at({ busy, queue, first }: ModelServer): number {
  return busy + queue.length - first;
}

/** Counts the use of the slots up to now, and ends the period of the report if it is over. */
function count_use(server: ModelServer, now: number): void {
  server.used += server.busy * (now - server.changed_at);
  server.changed_at = now;
  const passed = now - server.counted_from;
  if (passed < PERIOD) return;
  server.utilization = server.used / (passed * server.slots);
  server.rps = server.answers / passed;
  server.used = 0;
  server.answers = 0;
  server.counted_from = now;
}

function keep_latency({ latencies }: ModelServer, { arrived_at, found }: Job, now: number): void {
  if (latencies === undefined) return;
  let kept = latencies.get(found);
  if (kept === undefined) {
    kept = [];
    latencies.set(found, kept);
  }
  kept.push(now - arrived_at);
  if (kept.length > KEPT) table.remove(kept, 1);
}

/** Returns the median of the last latencies at about the present number of requests; 0: not known. */
export function estimated_latency(server: ModelServer): number {
  const requests = requests_at(server);
  const { latencies } = server;
  if (latencies === undefined) return 0;
  for (const distance of $range(0, requests + 4)) {
    const kept = latencies.get(requests - distance) ?? latencies.get(requests + distance);
    if (kept !== undefined) {
      const sorted = [...kept];
      table.sort(sorted);
      return sorted[math.floor(sorted.length / 2)];
    }
  }
  return 0;
}

function begin(timeline: Timeline, server: ModelServer, job: Job, now: number): void {
  count_use(server, now);
  server.busy += 1;
  const service = TICK + job.work / (server.base_speed * server.part * server.noise);
  timeline.at(now + service, (then) => {
    count_use(server, then);
    server.busy -= 1;
    server.answers += 1;
    keep_latency(server, job, then);
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
  job.arrived_at = now;
  job.found = requests_at(server);
  if (server.busy < server.slots) begin(timeline, server, job, now);
  else server.queue.push(job);
}
