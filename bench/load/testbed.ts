import { make_noise, new_server, requests_at, serve, type ModelServer } from "./fleet";
import type { NewPolicy, Policy } from "./policy";
import { exponential, new_random } from "./random";
import { new_timeline, START } from "./timeline";

/**
 * The testbed that the authors of prequal-rs have published (commit 57887a47, crates/prequal-testbed), as a
 * model: 20 servers with 4 slots each, half of them at half speed, a part with noisy neighbours; work with an
 * exponential distribution; requests at random moments.
 */

/** The servers with noisy neighbours among the slow and the fast ones, for the published seeds 1 to 5. */
const NOISY = [
  [5, 5],
  [1, 4],
  [4, 4],
  [5, 1],
  [3, 4],
] as const;

const HALF = 10;
const SLOTS = 4;
const SLOW = 0.5;
/** The mean work of a request in seconds. */
const MEAN_WORK = 0.04;
/** The requests per second that all servers can serve at their nominal speed. */
const CAPACITY = ((HALF * SLOW + HALF) * SLOTS) / MEAN_WORK;
const WARM_UP = 3;
const MEASURED = 20;
/** The time on the network from the client to the server, in seconds. */
const NETWORK = 0.0005;

/** How a run is set up. */
export interface Setting {
  /** The requests per second, as a multiple of the capacity. */
  load: number;
  /** The number of the seed, from 1. */
  seed: number;
  /** The number of clients or gateways, each with a policy of its own. */
  gateways: number;
  policy: NewPolicy;
  /** Changes the servers before the run. */
  prepare: (this: void, servers: readonly ModelServer[]) => void;
  /** Limit of the time of a request in seconds. */
  deadline: number;
}

/** What a run has measured, of the requests after the warm-up. */
export interface Outcome {
  /** In seconds, sorted. */
  latencies: number[];
  failures: number;
  late: number;
  /** The largest number of requests at a server, relative to the mean of the servers; a mean over time. */
  imbalance: number;
}

function fleet_of(seed: number): ModelServer[] {
  const [slow, fast] = NOISY[(seed - 1) % NOISY.length];
  const servers: ModelServer[] = [];
  for (const index of $range(0, HALF - 1)) servers.push(new_server(SLOW, SLOTS, index < slow));
  for (const index of $range(0, HALF - 1)) servers.push(new_server(1, SLOTS, index < fast));
  return servers;
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

/** Runs the testbed once. The result is the same every time. */
export function run(setting: Setting): Outcome {
  const { load, seed, gateways, deadline } = setting;
  const timeline = new_timeline();
  const arrivals = new_random(seed);
  const works = new_random(seed + 1000);
  const noise = new_random(seed + 2000);
  const servers = fleet_of(seed);
  setting.prepare(servers);
  const end = START + WARM_UP + MEASURED;
  for (const server of servers) make_noise(timeline, server, noise, START, end);
  const policies: Policy[] = [];
  for (const gateway of $range(0, gateways - 1))
    policies.push(setting.policy(servers.length, gateway, new_random(seed + 3000 + gateway)));

  const outcome: Outcome = { latencies: [], failures: 0, late: 0, imbalance: 0 };
  let samples = 0;

  function send(policy: Policy, now: number): void {
    const is_measured = now >= START + WARM_UP;
    const work = exponential(works, MEAN_WORK);
    const index = policy.choose(now);
    if (index === undefined) {
      if (is_measured) outcome.failures += 1;
      return;
    }
    const server = servers[index];
    const job = {
      work,
      end: (then: number, is_failure: boolean): void => {
        const latency = then - now + NETWORK;
        policy.note(index, { latency, is_failure, in_flight: requests_at(server) }, then);
        if (!is_measured) return;
        if (is_failure) outcome.failures += 1;
        else if (latency > deadline) outcome.late += 1;
        else outcome.latencies.push(latency);
      },
    };
    timeline.at(now + NETWORK, (then) => serve(timeline, server, job, then));
  }

  function arrive(this: void, now: number): void {
    if (now >= end) return;
    const policy = policies[math.floor(arrivals() * gateways)];
    send(policy, now);
    timeline.at(now + exponential(arrivals, 1 / (load * CAPACITY)), arrive);
  }

  function sample(this: void, now: number): void {
    const imbalance = imbalance_of(servers);
    if (imbalance !== undefined) {
      outcome.imbalance += imbalance;
      samples += 1;
    }
    if (now + 0.1 < end) timeline.at(now + 0.1, sample);
  }

  timeline.at(START, arrive);
  timeline.at(START + WARM_UP, sample);
  timeline.run();
  table.sort(outcome.latencies);
  if (samples > 0) outcome.imbalance /= samples;
  return outcome;
}
