import type { Method, Peer } from "./method";

type Change = (this: void, peer: Peer) => void;

/** Makes a method that knows only the peers in rotation, of how one enters and how one leaves. */
export function only_in_rotation(enter: Change, leave: Change, pick: Method["pick"]): Method {
  return {
    add: (peer) => {
      if (peer.in_rotation) enter(peer);
    },
    remove: (peer) => {
      if (peer.in_rotation) leave(peer);
    },
    reweigh: (peer, weight) => {
      if (peer.in_rotation) leave(peer);
      peer.weight = weight;
      if (peer.in_rotation) enter(peer);
    },
    suspend: leave,
    resume: enter,
    pick,
  };
}
