import type { Endings, Loads, Method, Peer, Surroundings } from "../../../src/resty/sluice/balancer/method";
import { crc32 } from "../../../src/resty/sluice/lib/crc32";

/** Peers and surroundings for the specs of methods. */

export interface TestPeer extends Peer {
  name: string;
  is_available: boolean;
  in_flight: number;
  age: number;
  expected_time: number;
  expected_requests: number;
  elsewhere: number;
  chosen_at: number;
  fail_timeout: number;
  utilization: number;
}

/** Makes a method without peers. */
export type NewMethod = (this: void, surroundings: Surroundings) => Method;

/** A method with its peers, and a clock that only the spec moves. */
export interface Bench {
  method: Method;
  peers: TestPeer[];
  /** The time of the clock, in seconds. */
  time: number;
  /** The position at which the worker starts. */
  start: number;
  /** What `least_load` has noted. */
  hot_from: number;
}

const FAIL_TIMEOUT = 10;
/** The zone of the gateway. */
export const OWN_ZONE = "local";

let made = 0;

/** Makes a peer with a higher id than all earlier ones. */
export function new_peer(name: string, weight = 1): TestPeer {
  made = made + 1;
  return {
    id: made,
    server: `10.0.0.1:${made}`,
    name,
    weight,
    in_rotation: true,
    is_available: true,
    in_flight: 0,
    age: 0,
    expected_time: -1,
    expected_requests: 0,
    elsewhere: 0,
    chosen_at: 0,
    fail_timeout: FAIL_TIMEOUT,
    zone: "",
    utilization: -1,
  };
}

export function available(this: void, peer: Peer): boolean {
  return peer.in_rotation && (peer as TestPeer).is_available;
}

/** What `least_load` reads. The number of a peer is its id. */
function loads_of(bench: Bench): Loads {
  const peers = new LuaTable<number, TestPeer>();
  const peer_of = (number: number): TestPeer => peers.get(number);
  return {
    number_of: (peer) => {
      peers.set(peer.id, peer as TestPeer);
      return peer.id;
    },
    own: (number) => peer_of(number).in_flight,
    elsewhere: (number) => peer_of(number).elsewhere,
    mean_time: (number) => peer_of(number).expected_time,
    mean_requests: (number) => peer_of(number).expected_requests,
    chosen_at: (number) => peer_of(number).chosen_at,
    fail_timeout: (number) => peer_of(number).fail_timeout,
    shorten: (peer, divisor) => {
      (peer as TestPeer).expected_time /= divisor;
    },
    note_hot: (requests) => {
      bench.hot_from = requests;
    },
  };
}

/** The requests that have ended, of one worker. The number of a peer is its id. */
function endings_of(): Endings {
  const numbers: number[] = [];
  return {
    note: ({ id }) => {
      numbers.push(id);
    },
    count_of: (worker) => (worker === 1 ? numbers.length : -1),
    number_at: (_worker, index) => numbers[index],
  };
}

/** The surroundings of a bench. Loads are fields of its peers. */
export function surroundings_of(bench: Bench): Surroundings {
  return {
    random: math.random,
    start: bench.start,
    now: () => bench.time,
    crc32,
    in_flight: (peer) => (peer as TestPeer).in_flight,
    left_in_flight: (peer) => (peer as TestPeer).in_flight,
    total_in_flight: () => {
      let total = 0;
      for (const peer of bench.peers) total += peer.in_flight;
      return total;
    },
    age_in_flight: (peer) => (peer as TestPeer).age,
    expected_time: (peer) => (peer as TestPeer).expected_time,
    expect_time: (peer, milliseconds) => {
      (peer as TestPeer).expected_time = milliseconds;
    },
    chosen_at: (peer) => (peer as TestPeer).chosen_at,
    fail_timeout: (peer) => (peer as TestPeer).fail_timeout,
    own_zone: OWN_ZONE,
    is_healthy: available,
    configured_weight: (peer) => peer.weight,
    utilization: (peer) => (peer as TestPeer).utilization,
    loads: loads_of(bench),
    endings: endings_of(),
  };
}

/** Makes a bench without peers. */
export function new_bench(new_method: NewMethod, start = 0): Bench {
  const bench = { peers: [], time: 1000, start, hot_from: 0 } as Partial<Bench> as Bench;
  bench.method = new_method(surroundings_of(bench));
  return bench;
}

/** Adds a peer to a bench. */
export function add_peer(bench: Bench, peer: TestPeer): TestPeer {
  bench.peers.push(peer);
  bench.method.add(peer);
  return peer;
}

/** Makes a bench with peers of these weights, named p1, p2, … */
export function bench_of(new_method: NewMethod, weights: readonly number[]): Bench {
  math.randomseed(42);
  const bench = new_bench(new_method);
  made = 0;
  for (const weight of weights) add_peer(bench, new_peer(`p${bench.peers.length + 1}`, weight));
  return bench;
}

/** Makes a method with peers of these weights, named p1, p2, … */
export function with_weights(
  new_method: NewMethod,
  weights: readonly number[],
): LuaMultiReturn<[Method, TestPeer[]]> {
  const { method, peers } = bench_of(new_method, weights);
  return $multi(method, peers);
}

let asked = 0;

/** Returns a key that no pick had before. */
export function next_key(): string {
  asked = asked + 1;
  return `key ${asked}`;
}

/** Number of requests in progress at a time. */
const UNDER_WAY = 8;

/**
 * Counts the picks of each peer, each with another key. A request ends when the 8th request after it begins.
 */
export function count_picks(method: Method, picks: number): LuaTable<string, number> {
  const counts = new LuaTable<string, number>();
  const under_way: TestPeer[] = [];
  for (const _ of $range(1, picks)) {
    const peer = method.pick(available, next_key()) as TestPeer | undefined;
    const name = peer?.name ?? "none";
    counts.set(name, count_of(counts, name) + 1);
    if (peer !== undefined) {
      peer.in_flight += 1;
      under_way.push(peer);
    }
    if (under_way.length > UNDER_WAY) end_request(under_way);
  }
  while (under_way.length > 0) end_request(under_way);
  return counts;
}

function end_request(under_way: TestPeer[]): void {
  const oldest = table.remove(under_way, 1);
  if (oldest !== undefined) oldest.in_flight -= 1;
}

/** Returns how often a peer was picked. */
export function count_of(counts: LuaTable<string, number>, name: string): number {
  return counts.get(name) ?? 0;
}
