import type { NewPolicy, Policy } from "./policy";
import type { Random } from "./random";

/** The rules of other systems that the published testbed has measured, with its parameters. */

/** Draws two servers, and takes the one with the lower cost, or the first. */
function better_of_two(servers: number, random: Random, cost: (this: void, index: number) => number): number {
  const one = math.floor(random() * servers);
  let other = math.floor(random() * (servers - 1));
  if (other >= one) other += 1;
  return cost(one) <= cost(other) ? one : other;
}

function zeros(count: number, value = 0): number[] {
  const list: number[] = [];
  for (const _ of $range(1, count)) list.push(value);
  return list;
}

/** Of two servers, the one with fewer of its own requests in flight. */
export const least_request_of_two: NewPolicy = (servers, _gateway, random): Policy => {
  const pending = zeros(servers);
  return {
    choose: () => {
      const index = better_of_two(servers, random, (one) => pending[one]);
      pending[index] += 1;
      return index;
    },
    note: (index) => {
      pending[index] -= 1;
    },
  };
};

/** The parameters of the testbed: the latency before the first answer, and the time of decay, in seconds. */
const FIRST_LATENCY = 0.03;
const DECAY = 10;

/**
 * Of two servers, the one with the lower product of latency and requests in flight. The latency is an average
 * that rises to each peak at once and decays exponentially: Finagle's peak EWMA, as tower has it.
 */
export const peak_ewma_of_two: NewPolicy = (servers, _gateway, random): Policy => {
  const pending = zeros(servers);
  const averages = zeros(servers, FIRST_LATENCY);
  const noted = zeros(servers);
  return {
    choose: (now) => {
      const cost = (one: number): number =>
        averages[one] * math.exp((noted[one] - now) / DECAY) * (pending[one] + 1);
      const index = better_of_two(servers, random, cost);
      pending[index] += 1;
      return index;
    },
    note: (index, { latency }, now) => {
      pending[index] -= 1;
      const old = math.exp((noted[index] - now) / DECAY);
      const average = averages[index];
      averages[index] = latency > average ? latency : average * old + latency * (1 - old);
      noted[index] = now;
    },
  };
};
