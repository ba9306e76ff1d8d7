/**
 * The contract of a balancing method. A peer keeps its position when other peers are added, removed or
 * changed. A method uses neither nginx nor a clock directly, so that it runs under plain LuaJIT.
 */

/**
 * The fields of a peer's list part, where each takes 8 bytes. A named field takes 24 bytes, and a live server
 * has room for few of them.
 */
export const enum PeerField {
  /** A method may keep a number here. */
  OF_METHOD = 1,
  /** What round robin knows of the peer: `Member`. */
  RING,
  BEFORE,
  AFTER,
  SERVED,
  HAS_STARTED,
  /** The number of these fields. */
  LAST = HAS_STARTED,
}

/** A server in a method, which may add fields to it. */
export interface Peer {
  /** The number of the peer. Later peers have higher numbers, which is the configured order. */
  id: number;
  /** The address, as in nginx's `server` directive. */
  server: string;
  /** The share relative to other peers. Above 0, not necessarily a whole number. */
  weight: number;
  /** False: the peer receives no requests at present. */
  in_rotation: boolean;
  /** The zone in which it runs; absent: none. */
  zone?: string | undefined;
}

/** Tells whether a peer can be given a request now. */
export type Available = (this: void, peer: Peer) => boolean;

/** A balancing method with its peers. */
export interface Method {
  /** Adds a peer, which may be in rotation or not. */
  add: (this: void, peer: Peer) => void;
  /** Removes a peer, which must have been added. */
  remove: (this: void, peer: Peer) => void;
  /** Changes the weight of a peer, which must have been added. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  /** Changes the spelling of `peer.server` for the same address; absent: the method does not use it. */
  respell?: ((this: void, peer: Peer, server: string) => void) | undefined;
  /** Changes `peer.zone`; absent: the method does not use it. */
  rezone?: ((this: void, peer: Peer, zone: string | undefined) => void) | undefined;
  /** Takes a peer, whose `in_rotation` was true and is now false, out of rotation. */
  suspend: (this: void, peer: Peer) => void;
  /** Takes a peer, whose `in_rotation` was false and is now true, back into rotation. */
  resume: (this: void, peer: Peer) => void;
  /** Notes that a request has ended at a peer, maybe of another method; absent: it does not matter. Hot. */
  ease?: ((this: void, peer: Peer) => void) | undefined;
  /**
   * Chooses a peer and counts the choice; undefined: none is available. Without a key, keyed methods use
   * round robin.
   */
  pick: (this: void, available: Available, key: string | undefined) => Peer | undefined;
  /**
   * Returns the peer that `pick` would choose now. If the next peer in turn is not available, it returns the
   * most likely one. Changes nothing. Undefined: none is available, or the method is `random`. Not hot.
   */
  peek: (this: void, available: Available, key: string | undefined) => Peer | undefined;
}

/**
 * What `least_load` reads of peers, by numbers. The records of many peers do not fit into the processor's
 * cache, but an array of their numbers does. Requests are those in progress, and times are in milliseconds.
 */
export interface Loads {
  /** Returns the number of a peer, by which the others read. */
  number_of: (this: void, peer: Peer) => number;
  /** Returns the requests that all workers have at a peer. */
  own: (this: void, number: number) => number;
  /** Returns the requests at a peer that come from elsewhere, by its reports. `now` in seconds. */
  elsewhere: (this: void, number: number, now: number) => number;
  /** Returns the expected time of a response; -1: not known. */
  mean_time: (this: void, number: number) => number;
  /** Returns the number of requests to which `mean_time` belongs. */
  mean_requests: (this: void, number: number) => number;
  /** Returns when a peer was last chosen, by the monotonic clock. */
  chosen_at: (this: void, number: number) => number;
  /** Returns the `fail_timeout` of a peer, in seconds. */
  fail_timeout: (this: void, number: number) => number;
  /** Divides the expected time of a peer. */
  shorten: (this: void, peer: Peer, divisor: number) => void;
  /** Notes for others the requests, for the weight, above which a peer is hot. */
  note_hot: (this: void, requests: number) => void;
}

/** The peers at which requests have ended last, of each worker of the gateway. The workers count from 1. */
export interface Endings {
  /** Notes that a request of this worker has ended. */
  note: (this: void, peer: Peer) => void;
  /** Returns how many requests a worker has noted; below 0: there are no more workers. */
  count_of: (this: void, worker: number) => number;
  /** Returns the number of the peer of a worker's request; only the last 64 are kept. `index`: from 0. */
  number_at: (this: void, worker: number, index: number) => number;
}

/** The values that a method may use besides its peers. All workers see the same loads. */
export interface Surroundings {
  /** Returns a random number from 0 up to, but not including, 1. */
  random: (this: void) => number;
  /** The position in the list of peers at which this worker starts: from 0 up to, but not including, 1. */
  start: number;
  /** Returns the monotonic clock, in seconds. */
  now: (this: void) => number;
  /** Returns the CRC-32 of a text, from 0 to 2^32 - 1. */
  crc32: (this: void, text: string) => number;
  /** Returns the number of requests in progress at a peer. */
  in_flight: (this: void, peer: Peer) => number;
  /** As `in_flight`, of a peer that may have been removed; 0: its memory belongs to another server. */
  left_in_flight: (this: void, peer: Peer) => number;
  /** Returns the number of requests in progress at all peers, including removed ones. */
  total_in_flight: (this: void) => number;
  /** Returns the mean age of the requests in progress at a peer, in milliseconds; 0 if there are none. */
  age_in_flight: (this: void, peer: Peer) => number;
  /** Returns the expected time of a response, in milliseconds; -1: not known. */
  expected_time: (this: void, peer: Peer) => number;
  /** Sets the expected time of a response. */
  expect_time: (this: void, peer: Peer, milliseconds: number) => void;
  /** What `least_load` reads. */
  loads: Loads;
  /** The requests that have ended, for a search among many peers. */
  endings: Endings;
  /** Returns when a peer was last chosen, by the monotonic clock. */
  chosen_at: (this: void, peer: Peer) => number;
  /** Returns the `fail_timeout` of a peer, in seconds. */
  fail_timeout: (this: void, peer: Peer) => number;
  /** The zone of the gateway; "": none. */
  own_zone: string;
  /** Tells whether a peer is in rotation and healthy. It may be full. */
  is_healthy: (this: void, peer: Peer) => boolean;
  /** Returns the configured weight of a peer; 0: a standby server that is not in service. */
  configured_weight: (this: void, peer: Peer) => number;
  /** Returns how much of its capacity a peer uses, from 0 to 1; -1: not known. */
  utilization: (this: void, peer: Peer) => number;
}
