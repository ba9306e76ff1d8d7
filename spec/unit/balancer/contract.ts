import type { Method, NewMethod, Peer } from "../../../src/resty/sluice/balancer/method";
import { expect } from "../support/expect";

/** What every balancing method keeps, whatever it balances by. */

export interface TestPeer extends Peer {
  name: string;
  is_available: boolean;
}

export function new_peer(name: string, weight = 1): TestPeer {
  return { name, weight, is_available: true };
}

export function available(this: void, peer: Peer): boolean {
  return (peer as TestPeer).is_available;
}

/** Makes a method with peers of these weights, named p1, p2, … */
export function with_weights(new_method: NewMethod, weights: number[]): LuaMultiReturn<[Method, TestPeer[]]> {
  math.randomseed(42);
  const method = new_method(math.random);
  const peers: TestPeer[] = [];
  for (const weight of weights) {
    const peer = new_peer(`p${peers.length + 1}`, weight);
    peers.push(peer);
    method.add(peer);
  }
  return $multi(method, peers);
}

/** How often each peer is picked in so many picks. */
export function count_picks(method: Method, picks: number): LuaTable<string, number> {
  const counts = new LuaTable<string, number>();
  for (const _ of $range(1, picks)) {
    const peer = method.pick(available) as TestPeer | undefined;
    const name = peer?.name ?? "none";
    counts.set(name, ((counts.get(name) as number | undefined) ?? 0) + 1);
  }
  return counts;
}

/** The suite of the contract: what is true, and how to see it. busted gives `it` to spec files only. */
export function contract(new_method: NewMethod): [string, (this: void) => void][] {
  return [
    [
      "picks nobody when there is nobody",
      () => {
        const [method] = with_weights(new_method, []);
        expect(method.pick(available)).equal(undefined);
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
      "picks nobody when nobody is available, and goes on when somebody is again",
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
      "never picks a peer that was removed, and picks one that was added",
      () => {
        const [method, peers] = with_weights(new_method, [1, 1, 1]);
        method.remove(peers[1]);
        method.add(new_peer("new"));
        const counts = count_picks(method, 1000);
        expect(counts.get("p2")).equal(undefined);
        expect(((counts.get("new") as number | undefined) ?? 0) > 0).equal(true);
      },
    ],

    [
      "can lose its last peer and get another",
      () => {
        const [method, peers] = with_weights(new_method, [2]);
        count_picks(method, 3);
        method.remove(peers[0]);
        expect(method.pick(available)).equal(undefined);
        method.add(new_peer("next"));
        expect(count_picks(method, 10).get("next")).equal(10);
      },
    ],

    [
      "takes any sequence of changes",
      () => {
        const [method] = with_weights(new_method, []);
        const peers: TestPeer[] = [];
        for (const step of $range(1, 3000)) {
          const choice = math.random(1, 4);
          if (choice === 1 || peers.length === 0) {
            const peer = new_peer(`p${step}`, math.random(1, 100));
            peers.push(peer);
            method.add(peer);
          } else if (choice === 2) {
            const index = math.random(1, peers.length);
            method.remove(peers[index - 1]);
            table.remove(peers, index);
          } else if (choice === 3) {
            const peer = peers[math.random(1, peers.length) - 1];
            method.reweigh(peer, math.random(1, 100));
          }
          const picked = method.pick(available);
          expect(picked !== undefined).equal(peers.length > 0);
        }
      },
    ],
  ];
}
