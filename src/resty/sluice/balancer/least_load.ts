import type { LeastLoadConfig } from "../config/least_load";
import type { Available, Method, Peer, Surroundings } from "./method";
import { new_ranges } from "./ranges";
import { only_in_rotation } from "./rotation";
import { new_round_robin } from "./round_robin";
import { halvings } from "./time_cost";

/** A step of the estimate of the quantile, as a part of it. */
const STEP = 0.05;
/** The expected time of a peer that has not answered yet, while a request is in progress there. */
const NOT_KNOWN = math.huge;
/** A hot peer counts as so many times slower. */
const HOT = 4;

/**
 * Returns the expected time with `requests` in progress. `mean`: the mean time of responses with
 * `mean_requests` in progress.
 */
export function time_with(requests: number, mean: number, mean_requests: number): number {
  return (mean * (1 + requests)) / (1 + mean_requests);
}

/**
 * Prequal's rule of hot and cold peers (Wydrowski, Kleinberg, Rumble, Archer, "Load is not what you should
 * balance", NSDI 2024). Of some peers that are drawn by weight, and the two best of the pick before, the one
 * with the least expected time is chosen. Those are hot whose requests in progress, for their weight, exceed
 * a quantile of those of all peers. In the paper, a hot peer is chosen only if all are hot. Among few peers,
 * a peer that fails at once would then often be the only cold one, so here a hot peer counts as slower.
 *
 * The expected time is the mean time of responses, in proportion to the requests in progress now and then.
 * The quantile is estimated from the peers that are drawn: it rises by a small step for each peer above it,
 * and falls for each below it, so that nothing is sorted. Any phase.
 */
export function new_least_load(surroundings: Surroundings, config: LeastLoadConfig): Method {
  const { random, now, in_flight, requests_elsewhere, expected_time, expected_requests } = surroundings;
  const { expect_time, chosen_at, fail_timeout } = surroundings;
  const { choices, hot_quantile } = config;
  const turns = new_round_robin(surroundings);
  const ranges = new_ranges();
  /** The estimate of the quantile. */
  let hot_from = 0;
  /** The two best peers of the last pick, which the next one considers too. */
  let first: Peer | undefined;
  let second: Peer | undefined;

  // What the pick under way has found. Variables of the method, because a closure would be an allocation.
  let time = 0;
  let is_available: Available;
  let best: Peer | undefined;
  let best_time = 0;
  let next_best: Peer | undefined;
  let next_time = 0;
  let coolest: Peer | undefined;
  let least_load = 0;

  function enter(this: void, peer: Peer): void {
    turns.resume(peer);
    ranges.add(peer);
  }

  function leave(this: void, peer: Peer): void {
    turns.suspend(peer);
    ranges.remove(peer);
    if (first === peer) first = undefined;
    if (second === peer) second = undefined;
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    turns.reweigh(peer, weight);
    ranges.reweigh(peer, weight);
  }

  /** Follows the quantile with the load of a peer that was drawn. */
  function note_load(load: number): void {
    const step = STEP * (1 + hot_from);
    if (load > hot_from) hot_from = hot_from + step * hot_quantile;
    else hot_from = math.max(0, hot_from - step * (1 - hot_quantile));
  }

  function halvings_of(peer: Peer): number {
    return halvings(chosen_at(peer), time, fail_timeout(peer));
  }

  /**
   * Returns the expected time of one more request. A new peer comes first, until it has a request. As with
   * `least_time`, the time of a peer that is not chosen is halved now and then: it gets another chance.
   */
  function time_at(peer: Peer, own: number, requests: number): number {
    const mean = expected_time(peer);
    if (mean < 0) return own > 0 ? NOT_KNOWN : 0;
    return time_with(requests, mean, expected_requests(peer)) / 2 ** halvings_of(peer);
  }

  /** Keeps the halvings of a peer that was chosen because of them. */
  function keep_halvings(peer: Peer): void {
    const halved = halvings_of(peer);
    const mean = expected_time(peer);
    if (halved > 0 && mean > 0) expect_time(peer, mean / 2 ** halved);
  }

  function consider(peer: Peer, is_drawn: boolean): void {
    const own = in_flight(peer);
    const requests = own + requests_elsewhere(peer, time);
    const load = requests / peer.weight;
    if (is_drawn) note_load(load);
    if (peer === best || peer === next_best || !is_available(peer)) return;
    if (coolest === undefined || load < least_load) {
      coolest = peer;
      least_load = load;
    }
    const its_time = time_at(peer, own, requests) * (load > hot_from ? HOT : 1);
    if (its_time < best_time) {
      next_best = best;
      next_time = best_time;
      best = peer;
      best_time = its_time;
    } else if (its_time < next_time) {
      next_best = peer;
      next_time = its_time;
    }
  }

  function begin(available: Available): void {
    time = now();
    is_available = available;
    best = undefined;
    best_time = NOT_KNOWN;
    next_best = undefined;
    next_time = NOT_KNOWN;
    coolest = undefined;
  }

  /** Considers peers that are drawn, and the best ones of the pick before; with few peers, each of them. */
  function compare(): void {
    const count = ranges.count();
    const total = ranges.total();
    if (count <= choices) {
      // A random start, so that workers do not choose the same of several equal peers.
      const start = math.floor(random() * count);
      for (const place of $range(0, count - 1)) consider(ranges.nth((start + place) % count), true);
      return;
    }
    for (const _ of $range(1, choices)) consider(ranges.at(random() * total), true);
    if (first !== undefined) consider(first, false);
    if (second !== undefined) consider(second, false);
  }

  function pick(this: void, available: Available): Peer | undefined {
    if (ranges.count() === 0) return undefined;
    begin(available);
    compare();
    const chosen = best ?? coolest;
    if (chosen === undefined) return turns.pick(available, undefined);
    keep_halvings(chosen);
    first = chosen;
    second = next_best;
    return chosen;
  }

  /** The next draws are not known in advance. */
  function peek(this: void): Peer | undefined {
    return undefined;
  }

  return only_in_rotation({ enter, leave, reweigh, pick, peek });
}
