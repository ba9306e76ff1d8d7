import { capacity_of, make_noise } from "./fleet";
import type { Answer, NewPolicy, Policy } from "./policy";
import { new_random, type Random } from "./random";
import { estimated_latency, requests_at, serve, type Job, type ModelServer } from "./server";
import { new_timeline, START, type Timeline } from "./timeline";

/** Runs a policy in front of a fleet, in virtual time: requests at random moments, which have a deadline. */

/** The time on the network from the gateway to the server, in seconds. */
const NETWORK = 0.0005;
/** The time from one look at the balance of the servers to the next, in seconds. */
const LOOK = 0.1;

/** What a scenario can change while requests come. */
export interface World {
  timeline: Timeline;
  servers: readonly ModelServer[];
  /** When the measured part begins, and when the last request comes. */
  from: number;
  end: number;
  random: Random;
  /** Takes a server out of the rotation of all gateways, and puts it back as a new process. */
  leave: (this: void, index: number, now: number) => void;
  enter: (this: void, index: number, now: number) => void;
}

/** How a run is set up. Times are in seconds. */
export interface Setting {
  servers: readonly ModelServer[];
  /** The requests per second, as a multiple of what the servers can serve at their nominal speeds. */
  load: number;
  /** The number of the seed, from 1. */
  seed: number;
  /** The number of clients or gateways, each with a policy of its own. */
  gateways: number;
  policy: NewPolicy;
  /** Draws the work of a request with a mean; both in seconds at speed 1. */
  work: (this: void, random: Random, mean: number) => number;
  mean_work: number;
  warm_up: number;
  measured: number;
  /** Limit of the time of a request. */
  deadline: number;
  /** Plans what happens. */
  happens: (this: void, world: World) => void;
}

/** What a run has measured, of the requests after the warm-up. */
export interface Outcome {
  /** Of the requests that did not fail, in seconds, sorted. A late request counts as the deadline. */
  latencies: number[];
  /** The number of requests that failed, and of those that were not answered in time. */
  failures: number;
  late: number;
  /** The largest number of requests at a server, relative to the mean of the servers; a mean over time. */
  imbalance: number;
}

/** A request at a gateway. */
interface Request {
  policy: Policy;
  index: number;
  sent_at: number;
  is_measured: boolean;
  is_over: boolean;
}

/** Returns the largest number of requests at a server, relative to the mean. */
function imbalance_of(servers: readonly ModelServer[]): number | undefined {
  let most = 0;
  let total = 0;
  for (const server of servers) {
    const requests = requests_at(server);
    most = math.max(most, requests);
    total += requests;
  }
  return total === 0 ? undefined : (most * servers.length) / total;
}

/** Keeps requests in the order of their deadlines, and ends those that are not answered in time. */
function new_deadlines(deadline: number, give_up: (this: void, request: Request, now: number) => void) {
  let requests: Request[] = [];
  let first = 0;
  return {
    add: (request: Request): void => {
      requests.push(request);
    },
    check: (now: number): void => {
      while (
        first < requests.length &&
        (requests[first].is_over || requests[first].sent_at + deadline <= now)
      ) {
        const request = requests[first];
        first += 1;
        if (!request.is_over) give_up(request, now);
      }
      if (first < 10000) return;
      const rest: Request[] = [];
      for (const place of $range(first, requests.length - 1)) rest.push(requests[place]);
      requests = rest;
      first = 0;
    },
  };
}

/** Makes the policies of all gateways. */
function policies_of(setting: Setting, timeline: Timeline, end: number): Policy[] {
  const { servers, seed, gateways } = setting;
  const policies: Policy[] = [];
  for (const gateway of $range(0, gateways - 1)) {
    const policy = setting.policy({
      servers: servers.length,
      gateway,
      random: new_random(seed + 3000 + gateway),
      probe: (index, answered) => {
        const server = servers[index];
        server.latencies ??= new LuaTable();
        if (server.fault === "never answers") return;
        const [in_flight, latency] = [requests_at(server), estimated_latency(server)];
        timeline.at(timeline.now() + 2 * NETWORK, (now) => {
          answered(index, in_flight, latency, now);
        });
      },
      every: (seconds, action) => {
        timeline.every(seconds, end, action);
      },
    });
    policies.push(policy);
  }
  return policies;
}

/** Runs a policy once. The result is the same every time. */
export function run(setting: Setting): Outcome {
  const { servers, load, seed, gateways, deadline, work, mean_work } = setting;
  const timeline = new_timeline();
  const arrivals = new_random(seed);
  const works = new_random(seed + 1000);
  const noise = new_random(seed + 2000);
  const from = START + setting.warm_up;
  const end = from + setting.measured;
  const interval = mean_work / (load * capacity_of(servers));
  for (const server of servers) make_noise(timeline, server, noise, START, end);
  const policies = policies_of(setting, timeline, end);
  const outcome: Outcome = { latencies: [], failures: 0, late: 0, imbalance: 0 };
  let looks = 0;

  function finish(request: Request, answer: Answer, now: number): void {
    request.is_over = true;
    request.policy.note(request.index, answer, now);
    if (!request.is_measured) return;
    if (answer.is_late) outcome.late += 1;
    else if (answer.is_failure) {
      outcome.failures += 1;
      return;
    }
    outcome.latencies.push(math.min(answer.latency, deadline));
  }

  const deadlines = new_deadlines(deadline, (request, now) => {
    const server = servers[request.index];
    finish(request, { latency: deadline, is_failure: true, is_late: true, in_flight: 0, server }, now);
  });

  function send(policy: Policy, now: number): void {
    const is_measured = now >= from;
    const index = policy.choose(now);
    const job_work = work(works, mean_work);
    if (index === undefined) {
      if (is_measured) outcome.failures += 1;
      return;
    }
    const server = servers[index];
    const request: Request = { policy, index, sent_at: now, is_measured, is_over: false };
    deadlines.add(request);
    const job: Job = {
      work: job_work,
      arrived_at: 0,
      found: 0,
      end: (then, is_failure) => {
        if (request.is_over) return;
        const latency = then - now + NETWORK;
        const is_late = latency > deadline;
        const in_flight = requests_at(server);
        finish(request, { latency, is_failure: is_failure || is_late, is_late, in_flight, server }, then);
      },
    };
    timeline.at(now + NETWORK, (then) => serve(timeline, server, job, then));
  }

  function arrive(this: void, now: number): void {
    if (now >= end) return;
    deadlines.check(now);
    send(policies[math.floor(arrivals() * gateways)], now);
    timeline.at(now + -interval * math.log(1 - arrivals()), arrive);
  }

  function look(this: void, now: number): void {
    const imbalance = now < from ? undefined : imbalance_of(servers);
    if (imbalance === undefined) return;
    outcome.imbalance += imbalance;
    looks += 1;
  }

  timeline.at(START, arrive);
  timeline.every(LOOK, end, look);
  setting.happens({
    timeline,
    servers,
    from,
    end,
    random: new_random(seed + 4000),
    leave: (index, now) => {
      for (const policy of policies) policy.leave(index, now);
    },
    enter: (index, now) => {
      for (const policy of policies) policy.enter(index, now);
    },
  });
  timeline.run();
  deadlines.check(math.huge);
  table.sort(outcome.latencies);
  if (looks > 0) outcome.imbalance /= looks;
  return outcome;
}
