import type { Random } from "./random";

/** The servers in the rotation of a rule, and their numbers. */

export interface Members {
  leave: (this: void, index: number) => void;
  enter: (this: void, index: number) => void;
  has: (this: void, index: number) => boolean;
  /** Draws a server. */
  draw: (this: void) => number;
  /** Draws two servers, and returns the one with the lower cost, or the first. */
  better_of_two: (this: void, cost: (this: void, index: number) => number) => number;
}

export function new_members(servers: number, random: Random): Members {
  const list: number[] = [];
  for (const index of $range(0, servers - 1)) list.push(index);

  function leave(this: void, index: number): void {
    for (const place of $range(list.length - 1, 0, -1))
      if (list[place] === index) table.remove(list, place + 1);
  }

  function place_below(count: number): number {
    return math.floor(random() * count);
  }

  return {
    leave,
    enter: (index) => {
      leave(index);
      list.push(index);
    },
    has: (index) => {
      for (const one of list) if (one === index) return true;
      return false;
    },
    draw: () => list[place_below(list.length)],
    better_of_two: (cost) => {
      const one = place_below(list.length);
      let other = place_below(list.length - 1);
      if (other >= one) other += 1;
      return cost(list[one]) <= cost(list[other]) ? list[one] : list[other];
    },
  };
}

/** Returns a list of equal numbers. */
export function equal_numbers(count: number, value: number): number[] {
  const list: number[] = [];
  for (const _ of $range(1, count)) list.push(value);
  return list;
}
