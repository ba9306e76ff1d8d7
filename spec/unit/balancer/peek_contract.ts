import { expect } from "../support/expect";
import {
  available,
  bench_of,
  new_peer,
  with_weights,
  type Bench,
  type NewMethod,
  type TestPeer,
} from "./peers";

/** Promises that `peek` of every balancing method must keep. */

const PICKS = 2000;

/** Weights of one group, of several groups, and fractions. */
const WEIGHTS = [
  [1, 1, 1, 1, 1],
  [5, 1, 1, 2, 3, 3],
  [1, 0.05, 2.5, 1 / 3, 0.7, 0.7],
];

function key_of(pick: number): string | undefined {
  return pick % 3 === 0 ? undefined : `key ${pick}`;
}

/** Changes loads and times. */
function load({ peers, time }: Bench, picked: TestPeer | undefined): void {
  const peer = peers[math.random(1, peers.length) - 1];
  peer.in_flight = math.random(0, 3);
  peer.expected_time = math.random(-1, 300);
  if (picked !== undefined) picked.chosen_at = time;
}

/** Changes weights, and which peers are available and in rotation. */
function change({ method, peers }: Bench, weights: readonly number[]): void {
  const index = math.random(1, peers.length) - 1;
  const peer = peers[index];
  const choice = math.random(1, 10);
  if (choice === 1) {
    method.reweigh(peer, weights[index] * math.random(1, 3));
  } else if (choice === 2) {
    peer.in_rotation = !peer.in_rotation;
    if (peer.in_rotation) method.resume(peer);
    else method.suspend(peer);
  } else {
    peer.is_available = math.random() < 0.8;
  }
}

/** Returns the picks of a method among changes. `peeks`: each pick follows a `peek`. */
function names_picked(new_method: NewMethod, weights: readonly number[], peeks: boolean): string {
  const bench = bench_of(new_method, weights);
  const names: string[] = [];
  for (const pick of $range(1, PICKS)) {
    if (peeks) for (const other of $range(0, pick % 3)) bench.method.peek(available, key_of(pick + other));
    const picked = bench.method.pick(available, key_of(pick)) as TestPeer | undefined;
    names.push(picked?.name ?? "none");
    load(bench, picked);
    change(bench, weights);
    bench.time += math.random(0, 8);
  }
  return table.concat(names, " ");
}

/** Returns the tests as names and bodies. `draws`: the next pick of the method is random. */
export function peek_contract(new_method: NewMethod, draws: boolean): [string, (this: void) => void][] {
  return [
    [
      "returns nothing when there is no peer or no available peer",
      () => {
        const [method] = with_weights(new_method, []);
        expect(method.peek(available, "key")).equal(undefined);
        for (const number of $range(1, 5)) {
          const peer = new_peer(`p${number}`, number);
          peer.is_available = false;
          method.add(peer);
          expect(method.peek(available, "key")).equal(undefined);
          expect(method.peek(available, undefined)).equal(undefined);
        }
      },
    ],

    [
      "does not change the next picks",
      () => {
        for (const weights of WEIGHTS) {
          const unpeeked = names_picked(new_method, weights, false);
          expect(names_picked(new_method, weights, true)).equal(unpeeked);
        }
      },
    ],

    [
      draws
        ? "returns nothing, because the next pick is random"
        : "returns the next pick while all peers are available",
      () => {
        for (const weights of WEIGHTS) {
          const bench = bench_of(new_method, weights);
          for (const pick of $range(1, PICKS)) {
            const key = key_of(pick);
            // With `balance_factor`, a peer at its bound counts as not available.
            if (key === undefined) for (const peer of bench.peers) peer.in_flight = 0;
            const peeked = bench.method.peek(available, key) as TestPeer | undefined;
            const picked = bench.method.pick(available, key) as TestPeer;
            expect(peeked?.name).equal(draws ? undefined : picked.name);
            load(bench, picked);
            bench.time += math.random(0, 8);
          }
        }
      },
    ],

    [
      "returns an available peer or nothing",
      () => {
        const bench = bench_of(new_method, [5, 1, 1, 3, 3, 0.5, 1 / 3]);
        for (const pick of $range(1, PICKS)) {
          const peeked = bench.method.peek(available, key_of(pick));
          if (peeked !== undefined) expect(available(peeked)).equal(true);
          const picked = bench.method.pick(available, key_of(pick));
          expect(peeked !== undefined).equal(!draws && picked !== undefined);
          change(bench, [5, 1, 1, 3, 3, 0.5, 1 / 3]);
        }
      },
    ],
  ];
}
