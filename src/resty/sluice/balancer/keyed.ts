import type { Available, Method, Peer, Surroundings } from "./method";
import { new_round_robin } from "./round_robin";

/** The mapping from keys to peers. It contains all peers, so that a peer out of rotation keeps its keys. */
export interface Places {
  add: (this: void, peer: Peer) => void;
  remove: (this: void, peer: Peer) => void;
  /** Changes `peer.weight`. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  /** Changes `peer.server`; absent: the mapping does not depend on it. */
  respell?: ((this: void, peer: Peer, server: string) => void) | undefined;
  /** Returns the peer of a key; undefined: none was available. Changes nothing. There must be peers. */
  find: (this: void, available: Available, key: string) => Peer | undefined;
}

/** Makes a method. Round robin serves requests without a key or without a peer. Any phase. */
export function new_keyed(surroundings: Surroundings, places: Places): Method {
  const turns = new_round_robin(surroundings);
  let count = 0;

  function add(this: void, peer: Peer): void {
    turns.add(peer);
    places.add(peer);
    count = count + 1;
  }

  function remove(this: void, peer: Peer): void {
    turns.remove(peer);
    places.remove(peer);
    count = count - 1;
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    // The mapping needs the previous weight.
    places.reweigh(peer, weight);
    turns.reweigh(peer, weight);
  }

  function pick(this: void, available: Available, key: string | undefined): Peer | undefined {
    if (key === undefined || key === "" || count < 2) return turns.pick(available, undefined);
    return places.find(available, key) ?? turns.pick(available, undefined);
  }

  function peek(this: void, available: Available, key: string | undefined): Peer | undefined {
    if (key === undefined || key === "" || count < 2) return turns.peek(available, undefined);
    return places.find(available, key) ?? turns.peek(available, undefined);
  }

  const { respell } = places;
  return { add, remove, reweigh, respell, suspend: turns.suspend, resume: turns.resume, pick, peek };
}

/** Number of peers that are tried for a key, as in nginx. */
export const MOST_TRIES = 20;
