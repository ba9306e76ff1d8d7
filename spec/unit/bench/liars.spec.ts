import "../support/nginx_stub";

import { equal, NEIGHBOURS } from "../../../bench/load/fleet";
import { POLICIES } from "../../../bench/load/policies";
import type { Answer, NewPolicy } from "../../../bench/load/policy";
import { run, type Outcome } from "../../../bench/load/run";
import { SCENARIOS } from "../../../bench/load/scenarios";
import { expect } from "../support/expect";

/** Shares of requests with `least_load` among equal servers, of which the first ones report wrong numbers. */

/** What a server reports instead of the requests in flight there. */
type Lie = (this: void, in_flight: number, now: number) => number;

const HUGE = 1e12;
/** The time in which a lie changes, in seconds. */
const PERIOD = 1;

const LIES: Record<string, Lie> = {
  "always none": () => 0,
  "always very many": () => HUGE,
  "none and very many in turn, each for a second": (_, now) =>
    math.floor(now / PERIOD) % 2 === 0 ? HUGE : 0,
  "none and very many at random": () => (math.random() < 0.5 ? HUGE : 0),
  "very many in one of twenty responses, else none": () => (math.random() < 0.05 ? HUGE : 0),
  "all requests since the start": (_, now) => now * 1000,
  "a tenth of them": (in_flight) => in_flight / 10,
  "ten times as many": (in_flight) => in_flight * 10,
};

const SERVERS = 10;
/** The bounds that the documentation states: the largest part of an equal share that a liar gets. */
const MOST_SHARE = 1.75;
/** The least part of an equal share that is left to each honest server. */
const LEAST_SHARE = 1 / 3;

interface Shares {
  outcome: Outcome;
  /** The part of the requests of each server, times the number of servers. */
  shares: number[];
}

/** Makes the method, with `liars` servers whose reports are wrong. Counts choices in `chosen`. */
function lied_to(method: NewPolicy, liars: number, lie: Lie, chosen: number[]): NewPolicy {
  return (place) => {
    const policy = method(place);
    return {
      ...policy,
      choose: (now) => {
        const index = policy.choose(now);
        if (index !== undefined) chosen[index] += 1;
        return index;
      },
      note: (index, answer, now) => {
        const in_flight = index < liars ? lie(answer.in_flight, now) : answer.in_flight;
        const told: Answer = { ...answer, in_flight };
        policy.note(index, told, now);
      },
    };
  };
}

function shares_with(liars: number, lie: Lie, gateways: number): Shares {
  const [scenario] = SCENARIOS;
  const [method] = POLICIES.filter(({ name }) => name === "least_load");
  const chosen: number[] = [];
  for (const _ of $range(1, SERVERS)) chosen.push(0);
  const policy = lied_to(method.policy, liars, lie, chosen);
  const servers = equal(SERVERS, NEIGHBOURS.none)();
  const times = { warm_up: 1, measured: 5, deadline: 5 };
  const outcome = run({ ...scenario, ...times, servers, seed: 1, load: 0.7, gateways, policy });
  let requests = 0;
  for (const count of chosen) requests += count;
  return { outcome, shares: chosen.map((count) => (count * SERVERS) / requests) };
}

function largest(numbers: readonly number[]): number {
  let most = -math.huge;
  for (const number of numbers) most = math.max(most, number);
  return most;
}

describe("shares of servers that report wrong numbers to least_load", () => {
  for (const [name, lie] of pairs(LIES)) {
    for (const gateways of [1, 4, 20]) {
      for (const liars of [1, SERVERS / 2]) {
        it(`are bounded: ${liars} of ${SERVERS}, ${gateways} gateways, ${name}`, () => {
          const { outcome, shares } = shares_with(liars, lie, gateways);
          expect(outcome.late + outcome.failures).equal(0);
          expect(largest(shares.slice(0, liars)) <= MOST_SHARE).equal(true);
          expect(-largest(shares.slice(liars).map((share) => -share)) >= LEAST_SHARE).equal(true);
        });
      }
    }
  }
});
