/**
 * The contract of a balancing method. A method keeps the peers it was given in an order of its own; a peer that
 * stays keeps its place when others come, go or change. It reads neither nginx nor a clock of its own, so that it
 * runs under plain LuaJIT.
 */

/** A server as a method sees it; a method adds the fields that it needs. */
export interface Peer {
  /** Its share, relative to the other peers'; above 0, not necessarily whole. */
  weight: number;
}

/** Tells whether a peer can be given a request now. */
export type Available = (this: void, peer: Peer) => boolean;

/** A method at work for one set of peers. */
export interface Method {
  /** Takes a peer in. */
  add: (this: void, peer: Peer) => void;
  /** Leaves a peer out; it must be in. */
  remove: (this: void, peer: Peer) => void;
  /** Changes a peer's weight; it must be in. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  /** Chooses a peer and counts the choice; undefined when none is available. */
  pick: (this: void, available: Available) => Peer | undefined;
}

/** Makes a method without peers. `random` gives numbers from 0 up to, not including, 1. */
export type NewMethod = (this: void, random: (this: void) => number) => Method;
