import type { Method, Peer } from "./method";

/** A method that knows only peers in rotation. */
export interface Rotation extends Pick<Method, "pick" | "peek"> {
  enter: (this: void, peer: Peer) => void;
  leave: (this: void, peer: Peer) => void;
  /** Called before `peer.weight` changes. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
}

/** Makes a complete method from one that knows only peers in rotation. */
export function only_in_rotation({ enter, leave, reweigh, pick, peek }: Rotation): Method {
  return {
    add: (peer) => {
      if (peer.in_rotation) enter(peer);
    },
    remove: (peer) => {
      if (peer.in_rotation) leave(peer);
    },
    reweigh: (peer, weight) => {
      if (peer.in_rotation) reweigh(peer, weight);
      peer.weight = weight;
    },
    suspend: leave,
    resume: enter,
    pick,
    peek,
  };
}
