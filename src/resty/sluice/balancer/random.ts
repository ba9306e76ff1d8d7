import type { Cost } from "./cost";
import type { Available, Method, Peer, Surroundings } from "./method";
import { new_ranges } from "./ranges";
import { only_in_rotation } from "./rotation";
import { new_round_robin } from "./round_robin";

/** After this number of draws without a result round robin chooses, as in nginx. */
const MOST_DRAWS = 20;

/**
 * nginx's `random`: the chance of a peer is in proportion to its weight. Any phase.
 *
 * @param cost for `random two`: of two different peers, the one with less cost for its weight is chosen
 */
export function new_random(surroundings: Surroundings, cost?: Cost): Method {
  const { random, now } = surroundings;
  const turns = new_round_robin(surroundings);
  const ranges = new_ranges();

  function enter(this: void, peer: Peer): void {
    turns.resume(peer);
    ranges.add(peer);
  }

  function leave(this: void, peer: Peer): void {
    turns.suspend(peer);
    ranges.remove(peer);
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    turns.reweigh(peer, weight);
    ranges.reweigh(peer, weight);
  }

  function draw_again(available: Available, other: Peer | undefined): Peer | undefined {
    for (const _ of $range(2, MOST_DRAWS)) {
      const peer = ranges.at(random() * ranges.total());
      if (peer !== other && available(peer)) return peer;
    }
    return undefined;
  }

  /** Draws an available peer that is not `other`. */
  function draw(available: Available, other: Peer | undefined): Peer | undefined {
    const peer = ranges.at(random() * ranges.total());
    return peer !== other && available(peer) ? peer : draw_again(available, other);
  }

  function pick_one(this: void, available: Available): Peer | undefined {
    if (ranges.count() === 0) return undefined;
    return draw(available, undefined) ?? turns.pick(available, undefined);
  }

  function cheaper(one: Peer, other: Peer, costs: Cost): Peer {
    const time = now();
    const first = costs.of(one, time) * other.weight <= costs.of(other, time) * one.weight;
    const chosen = first ? one : other;
    costs.chosen(chosen, time);
    return chosen;
  }

  function pick_of_two(this: void, available: Available): Peer | undefined {
    const one = pick_one(available);
    if (one === undefined || cost === undefined || ranges.count() === 1) return one;
    const other = draw(available, one);
    return other === undefined ? one : cheaper(one, other, cost);
  }

  /** The next draw is not known in advance. */
  function peek(this: void): Peer | undefined {
    return undefined;
  }

  const pick = cost === undefined ? pick_one : pick_of_two;
  return only_in_rotation({ enter, leave, reweigh, pick, peek });
}
