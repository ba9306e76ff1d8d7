import { expect } from "../support/expect";
import {
  add_peer,
  available,
  bench_of,
  count_of,
  count_picks,
  new_peer,
  next_key,
  with_weights,
  type NewMethod,
  type TestPeer,
} from "./peers";

/** Weights may be fractions, because `slow_start` raises them in small steps. */
const FRACTIONS = [1, 3, 7, 100];

/** Promises that every balancing method must keep. */

/** Returns the tests as names and bodies, which the caller passes to `it`. */
export function contract(new_method: NewMethod): [string, (this: void) => void][] {
  return [
    [
      "picks no peer when there are no peers",
      () => {
        const [method] = with_weights(new_method, []);
        expect(method.pick(available, "key")).equal(undefined);
        expect(method.pick(available, undefined)).equal(undefined);
      },
    ],

    [
      "picks the only peer every time",
      () => {
        const [method] = with_weights(new_method, [3]);
        expect(count_picks(method, 100).get("p1")).equal(100);
      },
    ],

    [
      "picks no peer while none is available, and picks one when it is available again",
      () => {
        const [method, peers] = with_weights(new_method, [1, 1000, 5]);
        for (const peer of peers) peer.is_available = false;
        expect(count_picks(method, 50).get("none")).equal(50);
        peers[0].is_available = true;
        expect(count_picks(method, 50).get("p1")).equal(50);
      },
    ],

    [
      "never picks a peer that is not available",
      () => {
        const [method, peers] = with_weights(new_method, [1, 2, 3, 4]);
        peers[3].is_available = false;
        const counts = count_picks(method, 1000);
        expect(counts.get("p4")).equal(undefined);
        expect(counts.get("none")).equal(undefined);
      },
    ],

    [
      "picks the only available peer of many",
      () => {
        const weights: number[] = [];
        for (const number of $range(1, 200)) weights.push((number % 7) + 1);
        const [method, peers] = with_weights(new_method, weights);
        for (const peer of peers) peer.is_available = peer.name === "p117";
        expect(count_picks(method, 50).get("p117")).equal(50);
      },
    ],

    [
      "gives every peer requests, with and without keys",
      () => {
        const bench = bench_of(new_method, [1, 1, 1, 1, 1]);
        const counts = count_picks(bench.method, 2000);
        for (const { name } of bench.peers) expect(count_of(counts, name) > 0).equal(true);
        const keyless = new LuaTable<string, number>();
        for (const turn of $range(1, 400)) {
          const { name } = bench.method.pick(available, turn > 200 ? "" : undefined) as TestPeer;
          keyless.set(name, count_of(keyless, name) + 1);
        }
        for (const { name } of bench.peers) expect(count_of(keyless, name) > 0).equal(true);
      },
    ],

    [
      "never picks a peer that was removed, and picks one that was added",
      () => {
        const [method, peers] = with_weights(new_method, [1, 1, 1]);
        method.remove(peers[1]);
        method.add(new_peer("new"));
        const counts = count_picks(method, 1000);
        expect(counts.get("p2")).equal(undefined);
        expect(count_of(counts, "new") > 0).equal(true);
      },
    ],

    [
      "does not pick a peer while it is suspended, from the start or later",
      () => {
        const bench = bench_of(new_method, [1, 2, 3]);
        const late = new_peer("late", 2);
        late.in_rotation = false;
        add_peer(bench, late);
        const [first] = bench.peers;
        first.in_rotation = false;
        bench.method.suspend(first);
        bench.method.reweigh(first, 5);
        bench.method.reweigh(late, 4);
        let counts = count_picks(bench.method, 1000);
        expect(counts.get("p1")).equal(undefined);
        expect(counts.get("late")).equal(undefined);
        expect(counts.get("none")).equal(undefined);
        for (const peer of [first, late]) {
          peer.in_rotation = true;
          bench.method.resume(peer);
        }
        counts = count_picks(bench.method, 1000);
        expect(count_of(counts, "p1") > 0).equal(true);
        expect(count_of(counts, "late") > 0).equal(true);
        expect([first.weight, late.weight]).same([5, 4]);
      },
    ],

    [
      "works after its last peer was replaced by another",
      () => {
        const [method, peers] = with_weights(new_method, [2]);
        count_picks(method, 3);
        method.remove(peers[0]);
        expect(method.pick(available, "key")).equal(undefined);
        method.add(new_peer("next"));
        expect(count_picks(method, 10).get("next")).equal(10);
      },
    ],

    [
      "picks a peer exactly while one is in rotation, after any sequence of changes",
      () => {
        const bench = bench_of(new_method, []);
        const { method, peers } = bench;
        let in_rotation = 0;
        for (const step of $range(1, 3000)) {
          const choice = math.random(1, 5);
          const index = math.random(1, math.max(1, peers.length)) - 1;
          if (choice === 1 || peers.length === 0) {
            add_peer(bench, new_peer(`p${step}`, math.random(1, 100) / FRACTIONS[step % FRACTIONS.length]));
            in_rotation += 1;
          } else if (choice === 2) {
            const peer = peers[index];
            if (peer.in_rotation) in_rotation -= 1;
            method.remove(peer);
            table.remove(peers, index + 1);
          } else if (choice === 3) {
            method.reweigh(peers[index], math.random(1, 100) / FRACTIONS[step % FRACTIONS.length]);
          } else if (choice === 4) {
            const peer = peers[index];
            peer.in_rotation = !peer.in_rotation;
            in_rotation += peer.in_rotation ? 1 : -1;
            if (peer.in_rotation) method.resume(peer);
            else method.suspend(peer);
          } else {
            peers[index].in_flight = math.random(0, 5);
            peers[index].expected_time = math.random(-1, 6000);
          }
          const picked = method.pick(available, next_key());
          expect(picked !== undefined).equal(in_rotation > 0);
        }
      },
    ],
  ];
}
