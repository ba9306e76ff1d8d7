import { allocated, equal, NEIGHBOURS, published } from "./fleet";
import { exponential, positive_normal, type Random } from "./random";
import type { World } from "./run";
import type { ModelServer } from "./server";

/** The scenarios in which the policies are compared. */

export interface Scenario {
  name: string;
  /** The loads, as multiples of what the servers can serve at their nominal speeds. */
  loads: readonly number[];
  /** Those of a quick comparison. */
  quick_loads: readonly number[];
  gateways: readonly number[];
  fleet: (this: void, seed: number) => ModelServer[];
  /** Draws the work of a request with a mean. */
  work: (this: void, random: Random, mean: number) => number;
  /** Times in seconds; `mean_work`: that of a request at speed 1. */
  mean_work: number;
  warm_up: number;
  measured: number;
  happens: (this: void, world: World) => void;
}

function nothing(this: void): void {
  // Servers are as they are.
}

const PUBLISHED = {
  loads: [0.7, 0.9, 1.05],
  quick_loads: [0.9],
  gateways: [1, 4, 20],
  fleet: published(1),
  work: exponential,
  mean_work: 0.04,
  warm_up: 3,
  measured: 20,
  happens: nothing,
};

/** The load at which something happens to servers, and when, in seconds after the warm-up. */
const DISTURBED = { ...PUBLISHED, loads: [0.7], quick_loads: [0.7], gateways: [4] };
const EVENT = 5;
const TENFOLD = 0.1;

function two_sinkholes({ servers }: World): void {
  for (const server of servers.slice(servers.length - 2)) server.fault = "fails at once";
}

function black_hole({ timeline, servers, from }: World): void {
  timeline.at(from + EVENT, () => {
    servers[servers.length - 1].fault = "never answers";
  });
}

function slow_server({ timeline, servers, from }: World): void {
  timeline.at(from + EVENT, () => {
    servers[servers.length - 1].part = TENFOLD;
  });
}

/** A process that has just started is slow for some seconds. */
const COLD = { part: 0.33, seconds: 4 };
const RESTART = { drain: 2, every: 1 };

/** Every second the next server leaves, and is back 2 s later as a new process. */
function rolling_deploy({ timeline, servers, from, leave, enter }: World): void {
  for (const index of $range(0, servers.length - 1)) {
    const start = from + index * RESTART.every;
    timeline.at(start, (now) => leave(index, now));
    timeline.at(start + RESTART.drain, (now) => {
      servers[index].part = COLD.part;
      enter(index, now);
    });
    timeline.at(start + RESTART.drain + COLD.seconds, () => {
      servers[index].part = 1;
    });
  }
}

/** The number of hot servers, and the time after which others are hot, in seconds. */
const HOT_SET = { size: 6, seconds: 10 };

function moving_hot_set({ timeline, servers, random, end }: World): void {
  let first = 0;
  const move = (): void => {
    for (const place of $range(0, servers.length - 1)) {
      const is_hot = (place - first + servers.length) % servers.length < HOT_SET.size;
      servers[place].neighbours = is_hot ? NEIGHBOURS.hot : NEIGHBOURS.quiet;
      servers[place].noise = servers[place].neighbours(random);
    }
    first = (first + HOT_SET.size) % servers.length;
  };
  move();
  timeline.every(HOT_SET.seconds, end, move);
}

const RAMP = [0.75, 0.83, 0.93, 1.03, 1.14, 1.27, 1.41, 1.57, 1.74];

export const SCENARIOS: readonly Scenario[] = [
  { name: "published", ...PUBLISHED },
  {
    name: "ramp",
    loads: RAMP,
    quick_loads: [0.93, 1.03, 1.74],
    gateways: [1, 4],
    fleet: allocated(8, 12),
    work: positive_normal,
    mean_work: 0.08,
    warm_up: 10,
    measured: 40,
    happens: nothing,
  },
  { name: "two sinkholes", ...DISTURBED, gateways: [4, 20], happens: two_sinkholes },
  { name: "black hole", ...DISTURBED, happens: black_hole },
  { name: "slow server", ...DISTURBED, happens: slow_server },
  { name: "rolling deploy", ...DISTURBED, measured: 30, happens: rolling_deploy },
  {
    ...PUBLISHED,
    name: "moving hot set",
    loads: [0.7, 1.05],
    quick_loads: [1.05],
    gateways: [4],
    fleet: equal(20, NEIGHBOURS.quiet),
    measured: 40,
    happens: moving_hot_set,
  },
  {
    ...PUBLISHED,
    name: "4 equal servers",
    loads: [0.5, 0.7, 0.9],
    quick_loads: [0.7],
    gateways: [1, 4],
    fleet: equal(4, NEIGHBOURS.none),
    measured: 100,
  },
  {
    ...PUBLISHED,
    name: "100 servers",
    loads: [0.9, 1.05],
    quick_loads: [],
    gateways: [4],
    fleet: published(5),
    measured: 10,
  },
];
