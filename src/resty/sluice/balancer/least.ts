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

/** The state of a method. It is a record, so that the methods of all upstreams have the same functions. */
interface Least {
  readonly turns: Method;
  readonly surroundings: Surroundings;
  readonly cost: Cost;
  /** The peers in rotation from 1 on. */
  readonly peers: LuaTable<number, Peer>;
  count: number;
  /** Upper limit of the weights; infinite: the next comparison of all peers must find it. */
  heaviest: number;
  /** The position at which the next comparison of all peers starts. */
  start: number;
  /** The search among many peers; undefined: there were not many yet. */
  search: Search | undefined;
}

function enter(least: Least, peer: Peer): void {
  const { peers, search } = least;
  least.turns.resume(peer);
  least.count = least.count + 1;
  (peer as Listed)[PeerField.OF_METHOD] = least.count;
  peers.set(least.count, peer);
  least.heaviest = math.max(least.heaviest, peer.weight);
  search?.meet(peer);
}

function find_heaviest(least: Least): void {
  const { peers } = least;
  least.heaviest = 0;
  for (const place of $range(1, least.count))
    least.heaviest = math.max(least.heaviest, peers.get(place).weight);
}

function leave(least: Least, peer: Peer): void {
  const { peers, search, count } = least;
  least.turns.suspend(peer);
  const place = (peer as Listed)[PeerField.OF_METHOD];
  search?.forget(peer);
  const last = peers.get(count);
  peers.set(place, last);
  (last as Listed)[PeerField.OF_METHOD] = place;
  peers.delete(count);
  least.count = count - 1;
  if (peer.weight === least.heaviest) least.heaviest = math.huge;
}

function reweigh(least: Least, peer: Peer, weight: number): void {
  const before = peer.weight;
  least.turns.reweigh(peer, weight);
  if (weight >= least.heaviest) least.heaviest = weight;
  // All weights may fall before the next pick. Finding the maximum each time would take quadratic time.
  else if (before === least.heaviest) least.heaviest = math.huge;
}

function is_least({ cost, heaviest }: Least, peer: Peer, its_cost: number): boolean {
  return its_cost === 0 || (its_cost <= cost.least && peer.weight === heaviest);
}

/** Returns the cheapest peer, or `turn` if none is cheaper. */
function find_least(least: Least, turn: Peer, turn_cost: number, time: number, available: Available): Peer {
  const { peers, count, cost } = least;
  const cost_of = cost.of;
  let best = turn;
  let best_cost = turn_cost;
  let place = least.start;
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

function begin_search({ cost, surroundings, peers, count }: Least): Search {
  const begun = new_search(cost.of, surroundings);
  for (const place of $range(1, count)) begun.meet(peers.get(place));
  return begun;
}

function find_among_many(
  least: Least,
  turn: Peer,
  turn_cost: number,
  time: number,
  available: Available,
): Peer {
  const search = least.search ?? begin_search(least);
  least.search = search;
  return search.find(least.peers, least.count, turn, turn_cost, time, available);
}

function pick(least: Least, available: Available, time: number): Peer | undefined {
  const turn = least.turns.pick(available, undefined);
  if (turn === undefined) return undefined;
  const { cost } = least;
  const turn_cost = cost.of(turn, time);
  let best = turn;
  if (!is_least(least, turn, turn_cost)) {
    if (least.heaviest === math.huge) find_heaviest(least);
    best =
      least.count > FEW
        ? find_among_many(least, turn, turn_cost, time, available)
        : find_least(least, turn, turn_cost, time, available);
    // The start moves with each choice, so that equal peers are chosen in turn.
    if (best !== turn) least.start = (best as Listed)[PeerField.OF_METHOD];
  }
  cost.chosen(best, time);
  return best;
}

function peek(least: Least, available: Available, time: number): Peer | undefined {
  const turn = least.turns.peek(available, undefined);
  if (turn === undefined) return undefined;
  const turn_cost = least.cost.of(turn, time);
  return is_least(least, turn, turn_cost) ? turn : find_least(least, turn, turn_cost, time, available);
}

/**
 * Chooses the peer with the least cost for its weight, and one of several equal peers by round robin. A pick
 * is a step of the round robin if that peer has the least possible cost, as idle peers have. Otherwise all
 * peers are compared, or some of them if there are many. Any phase.
 */
export function new_least(surroundings: Surroundings, cost: Cost): Method {
  const least: Least = {
    turns: new_round_robin(surroundings),
    surroundings,
    cost,
    peers: new LuaTable(),
    count: 0,
    heaviest: 0,
    start: 1,
    search: undefined,
  };
  const { now, endings } = surroundings;
  const method = only_in_rotation({
    enter: (peer) => {
      enter(least, peer);
    },
    leave: (peer) => {
      leave(least, peer);
    },
    reweigh: (peer, weight) => {
      reweigh(least, peer, weight);
    },
    pick: (available) => pick(least, available, now()),
    peek: (available) => peek(least, available, now()),
  });
  method.ease = (peer) => {
    if (least.search !== undefined) endings.note(peer);
  };
  return method;
}
