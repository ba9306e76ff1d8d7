import type { LeastLoadConfig } from "../config/least_load";
import { new_draws } from "./draws";
import { cost_with, most_elsewhere, most_hot_from } from "./loads";
import type { Available, Method, Peer, Surroundings } from "./method";
import { only_in_rotation } from "./rotation";
import { new_round_robin } from "./round_robin";
import { halvings } from "./time_cost";

/** The largest step of the estimate of the quantile, as a part of it. */
const STEP = 0.1;
/** The cost of a hot peer counts so many times. */
const HOT = 2;
/** By a difference of requests ÷ this value a peer is hot. It spares a branch. */
const SHARP = 1e6;
/** The cost of a peer that has not answered yet, for each request in progress there. */
const NOT_KNOWN = 2 ** 34;
/** A higher cost counts as this one. */
const HIGHEST = 2 ** 38;
/** The steps of a cost that are distinguished, and the turns, which are kept in the rest of its number. */
const GRAIN = 256;
const TURNS = 64;
/**
 * The gateway knows its own requests exactly, and those from elsewhere only by reports. If all are its own,
 * the quantile is lower by this part, so that requests in progress matter more than times.
 */
const TRUST = 1 / 3;
/** The part of a pick in the mean of requests that are the gateway's own. */
const NEW_PART = 0.02;
/** Spares a division by 0. */
const LEAST = 1e-9;
/** The number of picks from one note of the quantile for others to the next. */
const PICKS_A_NOTE = 64;
/** The part of such a pick in the mean of requests at chosen peers. */
const NEW_CHOSEN = 0.5;

/**
 * Prequal's rule of hot and cold peers (Wydrowski, Kleinberg, Rumble, Archer, "Load is not what you should
 * balance", NSDI 2024). Of some peers that are drawn by weight, and the two best of the pick before, the one
 * with the least cost is chosen, which follows from the requests in progress and the time of responses.
 * Those are hot whose requests in progress, for their weight, exceed a quantile of those of all peers. In the
 * paper, a hot peer is chosen only if all are hot. Among few peers, a peer that fails at once would then
 * often be the only cold one, so here the cost of a hot peer is higher.
 *
 * The quantile is estimated from the peers that are drawn: it rises by a small step for each peer above it,
 * and falls for each below it, so that nothing is sorted. Any phase.
 *
 * The usual pick has no loop and no branch that depends on the loads, because LuaJIT compiles each outcome of
 * a branch apart, and a function with a loop only from the loop on. A peer becomes a number: its cost, and in
 * the last digits the turn in which it was drawn. The least number wins. If that peer is not available, the
 * pick is repeated with a loop over available ones.
 */
export function new_least_load(surroundings: Surroundings, config: LeastLoadConfig): Method {
  const { random, now, loads } = surroundings;
  // LuaJIT takes local functions for constants, but looks up the members of a table again and again.
  const { number_of, own, elsewhere, mean_time, mean_requests, chosen_at, fail_timeout } = loads;
  const { choices, hot_quantile } = config;
  const turns = new_round_robin(surroundings);
  const draws = new_draws(choices, random, number_of);
  const { place, peer_at, number_at, weight_at } = draws;
  const [has_1, has_2, has_4] = [choices % 2 >= 1, choices % 4 >= 2, choices % 8 >= 4];
  const [has_8, has_16, has_32] = [choices % 16 >= 8, choices % 32 >= 16, choices >= 32];
  /** The estimate of the quantile, and the number of picks until others learn it. */
  let hot_from = 0;
  let until_note = 0;
  /** A moving average of the requests at chosen peers, for their weight, and its bound on the quantile. */
  let at_chosen = 0;
  let most_hot = most_hot_from(at_chosen);
  /** Moving averages of the requests at the drawn peers, and of those of them that are our own. */
  let mean_all = 0;
  let mean_own = 0;
  /** The places of the two best peers of the last pick, which the next one considers too. */
  let first = 0;
  let second = 0;

  // What the pick under way has found. Variables of the method, because a closure would be an allocation.
  let time = 0;
  let most = 0;
  let best = 0;
  let next_best = 0;
  let hot = 0;
  let all_ours = 0;
  let all_requests = 0;
  /** The places of the peers by the turn in which they were drawn. */
  const drawn = new LuaTable<number, number>();

  function enter(this: void, peer: Peer): void {
    turns.resume(peer);
    draws.add(peer);
  }

  function leave(this: void, peer: Peer): void {
    turns.suspend(peer);
    draws.remove(peer);
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    turns.reweigh(peer, weight);
    draws.reweigh(peer, weight);
  }

  /** Returns how often the time of a peer is halved, because it was not chosen for long. */
  function halvings_of(number: number): number {
    const chosen = chosen_at(number);
    return time - chosen < 1 ? 0 : halvings(chosen, time, fail_timeout(number));
  }

  /**
   * Returns the cost of one more request. A new peer comes first, until it has a request. Requests count for
   * the weight, so that weights matter among few peers, which are all drawn. As with `least_time`, the time
   * of a peer that is not chosen is halved now and then: it gets another chance.
   */
  function cost_at(number: number, weight: number, ours: number, requests: number): number {
    const mean = mean_time(number);
    if (mean < 0) return NOT_KNOWN * ours;
    return cost_with(requests / weight, mean / 2 ** halvings_of(number), mean_requests(number) / weight);
  }

  /** Returns the requests at a peer, of which those from elsewhere are bounded. `ours`: our own. */
  function requests_at(number: number, weight: number, ours: number): number {
    const others = math.min(elsewhere(number, time), most * weight);
    return ours + others;
  }

  /** Returns the cost of the peer at a place, which is higher if it is hot. */
  function cost_of(its_place: number): number {
    const number = number_at(its_place);
    const weight = weight_at(its_place);
    const ours = own(number);
    const requests = requests_at(number, weight, ours);
    const is_hot = math.min(1, math.max(0, (requests / weight - hot_from) * SHARP));
    hot = hot + is_hot;
    all_ours = all_ours + ours;
    all_requests = all_requests + requests;
    const factor = 1 + (HOT - 1) * is_hot;
    const cost = math.min(HIGHEST, cost_at(number, weight, ours, requests) * factor);
    return cost;
  }

  function consider(its_place: number, turn: number): void {
    drawn.set(turn, its_place);
    const its = math.floor(cost_of(its_place) * GRAIN) * TURNS + turn;
    next_best = math.min(next_best, math.max(best, its));
    best = math.min(best, its);
  }

  function draw(turn: number): void {
    consider(place(turn), turn);
  }

  function draw_four(turn: number): void {
    draw(turn);
    draw(turn + 1);
    draw(turn + 2);
    draw(turn + 3);
  }

  function draw_sixteen(turn: number): void {
    draw_four(turn);
    draw_four(turn + 4);
    draw_four(turn + 8);
    draw_four(turn + 12);
  }

  /** Draws `choices` peers, in the turns from 0 on. */
  function draw_all(): void {
    if (has_32) {
      draw_sixteen(0);
      draw_sixteen(16);
    }
    if (has_16) draw_sixteen(0);
    if (has_8) {
      draw_four(choices - (choices % 16));
      draw_four(choices - (choices % 16) + 4);
    }
    if (has_4) draw_four(choices - (choices % 8));
    if (has_2) {
      draw(choices - (choices % 4));
      draw(choices - (choices % 4) + 1);
    }
    if (has_1) draw(choices - 1);
  }

  /** Learns how many requests the peer that was chosen last has. */
  function learn_chosen(): void {
    const number = number_at(first);
    const weight = weight_at(first);
    const requests = requests_at(number, weight, own(number)) / weight;
    at_chosen = at_chosen + (requests - at_chosen) * NEW_CHOSEN;
    most_hot = most_hot_from(at_chosen);
  }

  /** Follows the quantile with the number of drawn peers that are hot. */
  function note_hot(): void {
    mean_own = mean_own + (all_ours - mean_own) * NEW_PART;
    mean_all = mean_all + (all_requests - mean_all) * NEW_PART;
    const quantile = hot_quantile * (1 - (TRUST * mean_own) / math.max(mean_all, LEAST));
    const step = STEP * (1 + hot_from);
    hot_from = math.min(most_hot, math.max(0, hot_from + step * (hot / choices - 1 + quantile)));
    until_note = until_note - 1;
    if (until_note > 0) return;
    until_note = PICKS_A_NOTE;
    loads.note_hot(hot_from);
    learn_chosen();
  }

  function begin(): void {
    if (draws.begin()) {
      first = 0;
      second = 0;
    }
    time = now();
    most = most_elsewhere(hot_from);
    hot = 0;
    all_ours = 0;
    all_requests = 0;
    best = math.huge;
    next_best = math.huge;
  }

  /** Notes that a peer is chosen. If that is because its time was halved, it stays halved. */
  function choose(peer: Peer): Peer {
    const halved = halvings_of(number_of(peer));
    if (halved > 0) loads.shorten(peer, 2 ** halved);
    return peer;
  }

  /** Repeats the pick under way with available peers only. */
  function pick_again(available: Available): Peer | undefined {
    let chosen: Peer | undefined;
    let least = math.huge;
    for (const turn of $range(0, math.min(choices, draws.count()) - 1)) {
      const its_place = drawn.get(turn);
      const peer = peer_at(its_place);
      const cost = available(peer) ? cost_of(its_place) : math.huge;
      if (cost < least) {
        least = cost;
        chosen = peer;
        first = its_place;
      }
    }
    return chosen === undefined ? turns.pick(available, undefined) : choose(chosen);
  }

  function pick(this: void, available: Available): Peer | undefined {
    if (draws.count() === 0) return undefined;
    begin();
    draw_all();
    note_hot();
    if (draws.count() > choices) {
      consider(first, choices);
      consider(second, choices + 1);
    }
    first = drawn.get(best % TURNS);
    second = drawn.get(next_best % TURNS);
    const peer = peer_at(first);
    return available(peer) ? choose(peer) : pick_again(available);
  }

  /** The next draws are not known in advance. */
  function peek(this: void): Peer | undefined {
    return undefined;
  }

  return only_in_rotation({ enter, leave, reweigh, pick, peek });
}
