/**
 * The contract of a balancing method. A method keeps the peers it was given in an order of its own; a peer that
 * stays keeps its place when others come, go or change. It reads neither nginx nor a clock of its own, so that it
 * runs under plain LuaJIT.
 */

/** A server as a method sees it; a method adds the fields that it needs. */
export interface Peer {
  /** Its number among the peers; later ones have higher numbers. That is the configured order. */
  id: number;
  /** Its address, as nginx's `server` directive would have it. */
  server: string;
  /** Its share, relative to the other peers'; above 0, not necessarily whole. */
  weight: number;
  /** False: it gets no requests for now. */
  in_rotation: boolean;
}

/** Tells whether a peer can be given a request now. */
export type Available = (this: void, peer: Peer) => boolean;

/** A method at work for one set of peers. */
export interface Method {
  /** Takes a peer in, be it in rotation or not. */
  add: (this: void, peer: Peer) => void;
  /** Leaves a peer out; it must be in. */
  remove: (this: void, peer: Peer) => void;
  /** Changes a peer's weight; it must be in. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  /** Changes `peer.server`, which names the same address before and after; the peer must be in. Absent: that changes nothing. */
  respell?: ((this: void, peer: Peer, server: string) => void) | undefined;
  /** Takes a peer, whose `in_rotation` was true and is now false, out of rotation. */
  suspend: (this: void, peer: Peer) => void;
  /** Takes a peer, whose `in_rotation` was false and is now true, back into rotation. */
  resume: (this: void, peer: Peer) => void;
  /**
   * Chooses a peer and counts the choice; undefined when none is available.
   *
   * @param key for methods that go by a key of the request; without one, or with an empty one, they choose as round robin
   */
  pick: (this: void, available: Available, key: string | undefined) => Peer | undefined;
  /**
   * The peer that `pick` would choose now; it changes no later choice. Exact where the one whose turn it is is available,
   * else the likely one; undefined when none is available, and of `random` always, for that draws. Not hot.
   */
  peek: (this: void, available: Available, key: string | undefined) => Peer | undefined;
}

/** What a method may know of the world. All workers see the same loads. */
export interface Surroundings {
  /** A number from 0 up to, not including, 1. */
  random: (this: void) => number;
  /** How far into the peers this worker starts to take turns, from 0 up to, not including, 1. */
  start: number;
  /** The monotonic clock, in seconds. */
  now: (this: void) => number;
  /** CRC-32 of a text, from 0 to 2^32 - 1. */
  crc32: (this: void, text: string) => number;
  /** How many requests are under way at a peer. */
  in_flight: (this: void, peer: Peer) => number;
  /** The same of a peer that may have been removed; 0 once its memory is another's. */
  left_in_flight: (this: void, peer: Peer) => number;
  /** How many are under way at all peers together, those that were removed included. */
  total_in_flight: (this: void) => number;
  /** How old those at a peer are on average, in milliseconds; 0 when there are none. */
  age_in_flight: (this: void, peer: Peer) => number;
  /** How long a response is expected to take, in milliseconds; -1: not known. */
  expected_time: (this: void, peer: Peer) => number;
  /** Changes what `expected_time` gives. */
  expect_time: (this: void, peer: Peer, milliseconds: number) => void;
  /** When a peer was chosen last, by the monotonic clock. */
  chosen_at: (this: void, peer: Peer) => number;
  /** The peer's `fail_timeout`, in seconds. */
  fail_timeout: (this: void, peer: Peer) => number;
}
