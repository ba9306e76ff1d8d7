import { new_random } from "../../bench/load/random";
import { below, happens } from "./world/world";

/** What happens in a run: requests and faults, each at a time. It is a list, so that it can be shortened. */

export interface Action {
  /** In seconds from the beginning. */
  at: number;
  kind: string;
  /** What the kind means by it: the number of a worker or gateway, steps, seconds. */
  who: number;
  amount: number;
  /** A request: its kind, the numbers of its upstreams, and how it chooses `If-Match`. */
  request: string;
  names: number[];
  match: "none" | "seen" | "old";
}

export interface Plan {
  seed: number;
  scenario: string;
  fsync: boolean;
  workers: number;
  dict_bytes: number;
  seconds: number;
  actions: Action[];
}

/** The weights of kinds. */
export type Weights = readonly (readonly [kind: string, weight: number])[];

/** Draws a kind by the weights. */
export function draw(random: () => number, weights: Weights): string {
  let total = 0;
  for (const [, weight] of weights) total += weight;
  let left = random() * total;
  for (const [kind, weight] of weights) {
    left -= weight;
    if (left < 0) return kind;
  }
  return weights[0][0];
}

const REQUESTS: Weights = [
  ["put", 5],
  ["add", 4],
  ["read", 5],
  ["delete", 2],
  ["several", 3],
];

/** A write takes about so many steps, and a change of several upstreams more. */
const STEPS_OF_WRITE = 130;

/** Makes the plan of a seed. `faults`: the kinds of faults with their weights. */
export function new_plan(scenario: string, seed: number, faults: Weights, whos: number): Plan {
  const random = new_random(seed * 7 + 13);
  const seconds = 6;
  const actions: Action[] = [];
  const base = { who: 0, amount: 0, request: "", names: [], match: "none" as const };
  // Requests come in bursts, shortly after the faults.
  const bursts: number[] = [];
  for (const _ of $range(1, 6)) bursts.push(0.5 + random() * seconds);
  const burst = () => bursts[below(random, bursts.length)];
  const requests = 15 + below(random, 40);
  for (const _ of $range(1, requests)) {
    const first = below(random, 3);
    const request = draw(random, REQUESTS);
    const names = request === "several" ? [first, (first + 1) % 3] : [first];
    const chance = random();
    const match = chance < 0.5 ? "none" : chance < 0.85 ? "seen" : "old";
    const at = burst() + random() * (happens(random, 0.8) ? 0.02 : 1);
    actions.push({ ...base, at, kind: "request", who: below(random, 8), request, names, match });
  }
  const count = happens(random, 0.1) ? 0 : 1 + below(random, 10);
  for (const _ of $range(1, count)) {
    const kind = draw(random, faults);
    const amount =
      kind === "kill" || kind === "kill_all" || kind === "power"
        ? 1 + below(random, STEPS_OF_WRITE)
        : random();
    actions.push({ ...base, at: burst() - random() * 0.2, kind, who: below(random, whos), amount });
  }
  table.sort(actions, (a, b) => a.at < b.at);
  return {
    ...{ seed, scenario, seconds, actions, fsync: happens(random, 0.6), workers: 1 + below(random, 3) },
    dict_bytes: happens(random, 0.2) ? 6000 + below(random, 6000) : 65536,
  };
}

/** Describes an action in one line. */
export function describe({ at, kind, who, amount, request, names, match }: Action): string {
  const what =
    kind === "request" ? `${request} ${table.concat(names, ",")} ${match}` : string.format("%.3f", amount);
  return string.format("%.4f s: %s %d %s", at, kind, who, what);
}
