import { equal_numbers, new_members } from "./members";
import type { NewPolicy, Policy } from "./policy";

/** The rules of other systems that the published testbed has measured, with its parameters. */

/** Of two servers, the one with fewer of its own requests in flight. */
export const least_request_of_two: NewPolicy = ({ servers, random }): Policy => {
  const members = new_members(servers, random);
  const pending = equal_numbers(servers, 0);
  const cost = (index: number): number => pending[index];
  return {
    choose: () => {
      const index = members.better_of_two(cost);
      pending[index] += 1;
      return index;
    },
    note: (index) => {
      pending[index] -= 1;
    },
    leave: members.leave,
    enter: members.enter,
  };
};

/** The parameters of the testbed: the latency before the first answer, and the time of decay, in seconds. */
const FIRST_LATENCY = 0.03;
const DECAY = 10;

/**
 * Of two servers, the one with the lower product of latency and requests in flight. The latency is an average
 * that rises to each peak at once and decays exponentially: Finagle's peak EWMA, as tower has it.
 */
export const peak_ewma_of_two: NewPolicy = ({ servers, random }): Policy => {
  const members = new_members(servers, random);
  const pending = equal_numbers(servers, 0);
  const averages = equal_numbers(servers, FIRST_LATENCY);
  const noted = equal_numbers(servers, 0);
  return {
    choose: (now) => {
      const cost = (one: number): number =>
        averages[one] * math.exp((noted[one] - now) / DECAY) * (pending[one] + 1);
      const index = members.better_of_two(cost);
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
    leave: members.leave,
    enter: (index) => {
      members.enter(index);
      averages[index] = FIRST_LATENCY;
    },
  };
};
