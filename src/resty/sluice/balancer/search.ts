import type { Cost } from "./cost";
import { type Available, type Peer, PeerField } from "./method";

/**
 * Finds a peer with nearly the least cost for its weight among many. A look at all of 2,000 peers would take
 * a pick 10 to 30 microseconds, most of it to wait for memory. So a pick looks only at the peers that are
 * likely to be cheap: those at which a request of this worker has just ended, the cheapest ones that earlier
 * picks have found, and the next few of the list, so that a worker sees each peer once in count / `LOOKS`
 * picks. It reads what these cost now, so that the requests of other workers count at once.
 */

/** The number of peers that are remembered. */
const CANDIDATES = 16;
/** The number of further peers that a pick looks at. */
const LOOKS = 16;
/** The number of peers with an ended request that are kept for the next pick. */
const MOST_EASED = 16;

/** A peer in a list. */
export interface Listed extends Peer {
  /** Position in the list. */
  [PeerField.OF_METHOD]: number;
}

export interface Search {
  /**
   * Returns the cheapest of the peers that it looks at, or `turn` if none is cheaper.
   *
   * @param peers the peers from 1 on, all of them `Listed`
   * @param turn_cost the cost of `turn`
   * @param time the monotonic clock
   */
  find: (
    this: void,
    peers: LuaTable<number, Peer>,
    count: number,
    turn: Peer,
    turn_cost: number,
    time: number,
    available: Available,
  ) => Peer;
  /** Notes that a request has ended at a peer, which may have left the list. */
  ease: (this: void, peer: Peer) => void;
  /** Forgets a peer that leaves the list. */
  forget: (this: void, peer: Peer) => void;
}

/** Makes a search that has looked at no peer. `start`: where in the list it begins, from 0 to 1. */
export function new_search(cost_of: Cost["of"], start: number): Search {
  const candidates = new LuaTable<number, Peer>();
  /** The costs for the weights of the candidates; infinite: not available. */
  const shares = new LuaTable<number, number>();
  /** The peers at which a request has ended since the last pick: a ring that `MOST_EASED` are kept of. */
  const eased = new LuaTable<number, Peer>();
  let eased_count = 0;
  let kept = 0;
  /** The place of the most expensive candidate, which the next one replaces, and its share. */
  let worst = 0;
  let limit = math.huge;
  /** The last place in the list that was looked at; below 0: none. */
  let place = -1;

  function find_worst(): void {
    worst = 1;
    for (const index of $range(2, kept)) if (shares.get(index) > shares.get(worst)) worst = index;
    limit = kept < CANDIDATES ? math.huge : shares.get(worst);
  }

  function is_candidate(peer: Peer): boolean {
    for (const index of $range(1, kept)) if (candidates.get(index) === peer) return true;
    return false;
  }

  function remember(peer: Peer, share: number): void {
    if (kept < CANDIDATES) {
      kept = kept + 1;
      worst = kept;
    }
    candidates.set(worst, peer);
    shares.set(worst, share);
    find_worst();
  }

  function update(time: number, available: Available): void {
    for (const index of $range(1, kept)) {
      const peer = candidates.get(index);
      shares.set(index, available(peer) ? cost_of(peer, time) / peer.weight : math.huge);
    }
    find_worst();
  }

  /** Remembers a peer that is cheaper than the most expensive candidate. */
  function consider(peer: Peer, time: number, available: Available): void {
    const share = cost_of(peer, time) / peer.weight;
    if (share < limit && available(peer) && !is_candidate(peer)) remember(peer, share);
  }

  function look_at_eased(peers: LuaTable<number, Peer>, time: number, available: Available): void {
    for (const index of $range(1, math.min(eased_count, MOST_EASED))) {
      const peer = eased.get(index);
      // It may have left the list since, or be a backup.
      if (peers.get((peer as Listed)[PeerField.OF_METHOD]) === peer) consider(peer, time, available);
    }
    eased_count = 0;
  }

  function look(peers: LuaTable<number, Peer>, count: number, time: number, available: Available): void {
    if (place < 0) place = math.floor(start * count);
    let at = place;
    for (const _ of $range(1, LOOKS)) {
      at = at < count ? at + 1 : 1;
      consider(peers.get(at), time, available);
    }
    place = at;
  }

  function find(
    this: void,
    peers: LuaTable<number, Peer>,
    count: number,
    turn: Peer,
    turn_cost: number,
    time: number,
    available: Available,
  ): Peer {
    update(time, available);
    if (eased_count > 0) look_at_eased(peers, time, available);
    look(peers, count, time, available);
    let best = turn;
    let best_share = turn_cost / turn.weight;
    for (const index of $range(1, kept)) {
      const share = shares.get(index);
      if (share < best_share) {
        best = candidates.get(index);
        best_share = share;
      }
    }
    return best;
  }

  function ease(this: void, peer: Peer): void {
    eased_count = eased_count + 1;
    eased.set(((eased_count - 1) % MOST_EASED) + 1, peer);
  }

  function forget(this: void, peer: Peer): void {
    for (const index of $range(1, kept)) {
      if (candidates.get(index) === peer) {
        candidates.set(index, candidates.get(kept));
        shares.set(index, shares.get(kept));
        candidates.delete(kept);
        kept = kept - 1;
        return;
      }
    }
  }

  return { find, ease, forget };
}
