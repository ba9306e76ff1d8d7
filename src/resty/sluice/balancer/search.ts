import type { Cost } from "./cost";
import type { Available, Peer, Surroundings } from "./method";

/**
 * Finds a peer with nearly the least cost for its weight among many. A look at all of 2,000 peers would take
 * a pick 10 to 30 microseconds, most of it to wait for memory. So a pick looks only at the peers that are
 * likely to be cheap: those at which requests of any worker have just ended, the cheapest ones that earlier
 * picks have found, and the next few of the list, so that a worker sees each peer once in count / `LOOKS`
 * picks. It reads what these cost now, so that the requests of other workers count at once.
 */

/** The number of peers that are remembered. */
const CANDIDATES = 48;
/** The number of further peers that a pick looks at. */
const LOOKS = 8;
/** Upper bound on the ended requests of a worker that a pick looks at. */
const MOST_ENDINGS = 8;
/** Ended requests before the last ones are not looked at: a worker's ring may be overwritten meanwhile. */
const MOST_BEHIND = 56;
/** Upper bound on the candidates that a pick looks at again. */
const MOST_CHECKS = 8;

export interface Search {
  /**
   * Returns the cheapest of the peers that it looks at, or `turn` if none is cheaper.
   *
   * @param peers the peers from 1 on
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
  /** Notes a peer that joins the list. */
  meet: (this: void, peer: Peer) => void;
  /** Forgets a peer that leaves the list. */
  forget: (this: void, peer: Peer) => void;
}

/** Makes a search that has looked at no peer and knows none. */
export function new_search(cost_of: Cost["of"], { start, endings, loads }: Surroundings): Search {
  const { number_of } = loads;
  const { count_of, number_at } = endings;
  /** The peers of the list by their numbers. */
  const known = new LuaTable<number, Peer | undefined>();
  /** The number of ended requests of each worker that were looked at. */
  const seen = new LuaTable<number, number | undefined>();
  const candidates = new LuaTable<number, Peer>();
  /** The positions of the candidates. */
  const places = new LuaTable<Peer, number | undefined>();
  /** What the candidates cost for their weights when they were last looked at; infinite: not available. */
  const shares = new LuaTable<number, number>();
  let kept = 0;
  /** The most expensive candidate, which the next one replaces, and its share. */
  let worst = 0;
  let limit = math.huge;
  /** The last place in the list that was looked at; below 0: none. */
  let place = -1;

  function find_worst(): void {
    worst = 1;
    for (const index of $range(2, kept)) if (shares.get(index) > shares.get(worst)) worst = index;
    limit = kept < CANDIDATES ? math.huge : shares.get(worst);
  }

  function remember(peer: Peer, share: number): void {
    if (kept < CANDIDATES) {
      kept = kept + 1;
      worst = kept;
    } else {
      places.delete(candidates.get(worst));
    }
    candidates.set(worst, peer);
    places.set(peer, worst);
    shares.set(worst, share);
    find_worst();
  }

  /** Notes what a candidate costs. */
  function update(index: number, share: number): void {
    const before = shares.get(index);
    shares.set(index, share);
    if (share > limit || (index === worst && share < before)) find_worst();
  }

  /** Remembers a peer that is cheaper than the most expensive candidate. */
  function consider(peer: Peer, time: number, available: Available): void {
    const share = cost_of(peer, time) / peer.weight;
    if (share >= limit || !available(peer)) return;
    const index = places.get(peer);
    if (index === undefined) remember(peer, share);
    else update(index, share);
  }

  /** Looks at peers with ended requests of a worker, which has noted `count` of them. */
  function follow(worker: number, from: number, count: number, time: number, available: Available): void {
    const first = math.max(from, count - MOST_BEHIND);
    const end = math.min(count, first + MOST_ENDINGS);
    for (const index of $range(first, end - 1)) {
      const peer = known.get(number_at(worker, index));
      // Peers of other upstreams are not known.
      if (peer !== undefined) consider(peer, time, available);
    }
    seen.set(worker, end);
  }

  function look_at_endings(time: number, available: Available): void {
    let worker = 1;
    let count = count_of(worker);
    while (count >= 0) {
      const from = seen.get(worker) ?? 0;
      if (from !== count) follow(worker, from, count, time, available);
      worker = worker + 1;
      count = count_of(worker);
    }
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

  function cheapest(): number {
    let found = 1;
    for (const index of $range(2, kept)) if (shares.get(index) < shares.get(found)) found = index;
    return found;
  }

  /** Returns the cheapest candidate, or `turn` if none is cheaper. */
  function choose(turn: Peer, turn_share: number, time: number, available: Available): Peer {
    let best = turn;
    let best_share = turn_share;
    for (const _ of $range(1, MOST_CHECKS)) {
      const index = cheapest();
      const before = shares.get(index);
      if (before >= best_share) return best;
      const peer = candidates.get(index);
      const share = available(peer) ? cost_of(peer, time) / peer.weight : math.huge;
      update(index, share);
      if (share < best_share) {
        best = peer;
        best_share = share;
      }
    }
    return best;
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
    look_at_endings(time, available);
    look(peers, count, time, available);
    return kept === 0 ? turn : choose(turn, turn_cost / turn.weight, time, available);
  }

  function meet(this: void, peer: Peer): void {
    known.set(number_of(peer), peer);
  }

  function forget(this: void, peer: Peer): void {
    // Another peer may have joined with this number, which is that of a row, before this one leaves.
    const number = number_of(peer);
    if (known.get(number) === peer) known.delete(number);
    const index = places.get(peer);
    if (index === undefined) return;
    const last = candidates.get(kept);
    candidates.set(index, last);
    shares.set(index, shares.get(kept));
    places.set(last, index);
    places.delete(peer);
    candidates.delete(kept);
    shares.delete(kept);
    kept = kept - 1;
    find_worst();
  }

  return { find, meet, forget };
}
