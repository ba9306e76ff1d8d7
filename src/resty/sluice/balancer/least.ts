import type { Cost } from "./cost";
import type { Available, Method, Peer, Surroundings } from "./method";
import { only_in_rotation } from "./rotation";
import { new_round_robin } from "./round_robin";

interface Listed extends Peer {
  /** Position in the list. */
  place: number;
}

/**
 * Chooses the peer with the least cost for its weight, and one of several equal peers by round robin. A pick
 * is a step of the round robin if that peer has the least possible cost, as idle peers have. Otherwise all
 * peers are compared. Any phase.
 */
export function new_least(surroundings: Surroundings, cost: Cost): Method {
  const turns = new_round_robin(surroundings);
  const { now } = surroundings;
  const cost_of = cost.of;
  const peers = new LuaTable<number, Listed>();
  let count = 0;
  /** Upper limit of the weights; infinite: the next comparison of all peers must find it. */
  let heaviest = 0;
  /** The position at which the next comparison of all peers starts. */
  let start = 1;

  function enter(this: void, peer: Peer): void {
    turns.resume(peer);
    count = count + 1;
    (peer as Listed).place = count;
    peers.set(count, peer as Listed);
    heaviest = math.max(heaviest, peer.weight);
  }

  function find_heaviest(): void {
    heaviest = 0;
    for (const place of $range(1, count)) heaviest = math.max(heaviest, peers.get(place).weight);
  }

  function leave(this: void, peer: Peer): void {
    turns.suspend(peer);
    const { place } = peer as Listed;
    const last = peers.get(count);
    peers.set(place, last);
    last.place = place;
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
    if (heaviest === math.huge) find_heaviest();
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

  function choose(turn: Peer, time: number, available: Available): Peer {
    const turn_cost = cost_of(turn, time);
    return is_least(turn, turn_cost) ? turn : find_least(turn, turn_cost, time, available);
  }

  function pick(this: void, available: Available): Peer | undefined {
    const turn = turns.pick(available, undefined);
    if (turn === undefined) return undefined;
    const time = now();
    const best = choose(turn, time, available);
    // The start moves with each choice, so that equal peers are chosen in turn.
    if (best !== turn) start = (best as Listed).place;
    cost.chosen(best, time);
    return best;
  }

  function peek(this: void, available: Available): Peer | undefined {
    const turn = turns.peek(available, undefined);
    return turn === undefined ? undefined : choose(turn, now(), available);
  }

  return only_in_rotation({ enter, leave, reweigh, pick, peek });
}
