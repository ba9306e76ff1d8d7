import type { Cost } from "./cost";
import { type Available, type Method, type Peer, PeerField, type Surroundings } from "./method";
import { only_in_rotation } from "./rotation";
import { new_round_robin } from "./round_robin";
import { new_search, type Search } from "./search";

interface Listed extends Peer {
  /** Position in the list. */
  [PeerField.OF_METHOD]: number;
}

/** Up to this number of peers all of them are compared, as in nginx. */
const FEW = 64;

/**
 * Chooses the peer with the least cost for its weight, and one of several equal peers by round robin. A pick
 * is a step of the round robin if that peer has the least possible cost, as idle peers have. Otherwise all
 * peers are compared, or some of them if there are many. Any phase.
 */
export function new_least(surroundings: Surroundings, cost: Cost): Method {
  const turns = new_round_robin(surroundings);
  const { now, endings } = surroundings;
  const cost_of = cost.of;
  const peers = new LuaTable<number, Peer>();
  let count = 0;
  /** Upper limit of the weights; infinite: the next comparison of all peers must find it. */
  let heaviest = 0;
  /** The position at which the next comparison of all peers starts. */
  let start = 1;
  /** The search among many peers; undefined: there were not many yet. */
  let search: Search | undefined;

  function enter(this: void, peer: Peer): void {
    turns.resume(peer);
    count = count + 1;
    (peer as Listed)[PeerField.OF_METHOD] = count;
    peers.set(count, peer);
    heaviest = math.max(heaviest, peer.weight);
    search?.meet(peer);
  }

  function find_heaviest(): void {
    heaviest = 0;
    for (const place of $range(1, count)) heaviest = math.max(heaviest, peers.get(place).weight);
  }

  function leave(this: void, peer: Peer): void {
    turns.suspend(peer);
    const place = (peer as Listed)[PeerField.OF_METHOD];
    search?.forget(peer);
    const last = peers.get(count);
    peers.set(place, last);
    (last as Listed)[PeerField.OF_METHOD] = place;
    peers.delete(count);
    count = count - 1;
    if (peer.weight === heaviest) heaviest = math.huge;
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    const before = peer.weight;
    turns.reweigh(peer, weight);
    if (weight >= heaviest) heaviest = weight;
    // All weights may fall before the next pick. Finding the maximum each time would take quadratic time.
    else if (before === heaviest) heaviest = math.huge;
  }

  function is_least(peer: Peer, its_cost: number): boolean {
    return its_cost === 0 || (its_cost <= cost.least && peer.weight === heaviest);
  }

  /** Returns the cheapest peer, or `turn` if none is cheaper. */
  function find_least(turn: Peer, turn_cost: number, time: number, available: Available): Peer {
    let best = turn;
    let best_cost = turn_cost;
    let place = start;
    for (const _ of $range(1, count)) {
      place = place < count ? place + 1 : 1;
      const peer = peers.get(place);
      const its_cost = cost_of(peer, time);
      if (its_cost * best.weight < best_cost * peer.weight && available(peer)) {
        best = peer;
        best_cost = its_cost;
      }
    }
    return best;
  }

  function begin_search(): Search {
    const begun = new_search(cost_of, surroundings);
    for (const place of $range(1, count)) begun.meet(peers.get(place));
    return begun;
  }

  function find_among_many(turn: Peer, turn_cost: number, time: number, available: Available): Peer {
    search ??= begin_search();
    return search.find(peers, count, turn, turn_cost, time, available);
  }

  function pick(this: void, available: Available): Peer | undefined {
    const turn = turns.pick(available, undefined);
    if (turn === undefined) return undefined;
    const time = now();
    const turn_cost = cost_of(turn, time);
    let best = turn;
    if (!is_least(turn, turn_cost)) {
      if (heaviest === math.huge) find_heaviest();
      best =
        count > FEW
          ? find_among_many(turn, turn_cost, time, available)
          : find_least(turn, turn_cost, time, available);
      // The start moves with each choice, so that equal peers are chosen in turn.
      if (best !== turn) start = (best as Listed)[PeerField.OF_METHOD];
    }
    cost.chosen(best, time);
    return best;
  }

  function peek(this: void, available: Available): Peer | undefined {
    const turn = turns.peek(available, undefined);
    if (turn === undefined) return undefined;
    const time = now();
    const turn_cost = cost_of(turn, time);
    return is_least(turn, turn_cost) ? turn : find_least(turn, turn_cost, time, available);
  }

  function ease(this: void, peer: Peer): void {
    if (search !== undefined) endings.note(peer);
  }

  const method = only_in_rotation({ enter, leave, reweigh, pick, peek });
  method.ease = ease;
  return method;
}
