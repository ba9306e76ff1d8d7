import { always, balance, BLACKOUT, MINUTE, percent, seconds, SMALL, step } from "./expectations";
import { lying } from "./liars";
import { apart, motion, return_time, settling } from "./record";
import { LIMITS, type Scenario } from "./scenario";

/** The scenarios that the control of weights must cope with. */

const UNEQUAL = [SMALL, 2 * SMALL, 4 * SMALL];

const plain: Scenario[] = [
  {
    label: "1:2:4 at 50 %",
    seconds: 150,
    capacities: UNEQUAL,
    traffic: always(0.5),
    measures: balance(30),
  },
  {
    label: "1:2:4 at 50 %, noise of ±2 %",
    is_drawn: true,
    seconds: 150,
    capacities: UNEQUAL,
    traffic: always(0.5),
    reporting: { noise: 0.02 },
    measures: balance(30),
  },
  {
    label: "1:2:4 at 90 %, utilizations above 1 reported",
    is_drawn: true,
    seconds: 150,
    capacities: UNEQUAL,
    traffic: always(0.9),
    reporting: { exceeds: true },
    measures: balance(30),
  },
  {
    label: "1:2:4, from 45 % to 90 %",
    is_drawn: true,
    seconds: 150,
    capacities: UNEQUAL,
    traffic: step(0.45, 0.9, MINUTE),
    reporting: { noise: 0.02 },
    measures: (run) => [
      percent("apart", apart(run, MINUTE), 5),
      percent("weights move", motion(run, MINUTE), 5),
    ],
  },
  {
    label: "5 equal at 60 %, one loses half of its capacity",
    is_drawn: true,
    seconds: 150,
    capacities: [SMALL, SMALL, SMALL, SMALL, SMALL],
    traffic: always(0.6),
    happens: (servers, second) => {
      if (second === MINUTE) servers[0].most_rps /= 2;
    },
    measures: (run) => [
      seconds("even within", settling(run, MINUTE), 20),
      percent("apart", apart(run, 90), 5),
      percent("weights move", motion(run, 90), 2),
    ],
  },
];

const AGED = { delay: 10, loss: 0.2, noise: 0.02 };

const aged: Scenario[] = [
  {
    label: "1:2:4 at 50 %, reports 0–10 s late, 20 % lost",
    is_drawn: true,
    seconds: 240,
    capacities: UNEQUAL,
    traffic: always(0.5),
    reporting: AGED,
    measures: balance(40, 3),
  },
  {
    label: "1:2:4 at 90 %, reports 0–10 s late, 20 % lost",
    seconds: 240,
    capacities: UNEQUAL,
    traffic: always(0.9),
    reporting: AGED,
    measures: balance(60, 10),
  },
  {
    label: "1:2:4 at 50 %, late and lost, no rps reported",
    seconds: 240,
    capacities: UNEQUAL,
    traffic: always(0.5),
    reporting: { ...AGED, counts: false },
    measures: balance(60, 5),
  },
  {
    label: "1:2:4 at 90 %, late and lost, no rps reported",
    is_drawn: true,
    seconds: 240,
    capacities: UNEQUAL,
    traffic: always(0.9),
    reporting: { ...AGED, counts: false },
    measures: balance(60, 10),
  },
  {
    label: "1:2:4 at 50 %, no rps reported",
    seconds: 150,
    capacities: UNEQUAL,
    traffic: always(0.5),
    reporting: { counts: false, noise: 0.02 },
    measures: balance(30),
  },
  {
    label: "1:2:4 at 90 %, utilization the mean of 10 s, no rps reported",
    is_drawn: true,
    seconds: 240,
    capacities: UNEQUAL,
    traffic: always(0.9),
    reporting: { counts: false, noise: 0.02, average: 10 },
    measures: balance(60, 5),
  },
  {
    label: "1:2:4 at 50 %, utilization the mean of 10 s, rps of 1 s",
    seconds: 240,
    capacities: UNEQUAL,
    traffic: always(0.5),
    reporting: { noise: 0.02, average: 10 },
    measures: balance(60, 5),
  },
];

function various(count: number): number[] {
  math.randomseed(count);
  const capacities: number[] = [];
  for (const _ of $range(1, count)) capacities.push(math.random(SMALL, 10 * SMALL));
  return capacities;
}

const others: Scenario[] = [
  {
    label: "1:2:4 at 50 %, reports stop",
    is_drawn: true,
    seconds: 360,
    capacities: UNEQUAL,
    traffic: always(0.5),
    silent_from: MINUTE,
    measures: (run) => [
      percent("weights move before the expiry", motion(run, MINUTE, MINUTE + LIMITS.expiry), 0),
      seconds("as configured after it within", return_time(run, MINUTE + LIMITS.expiry), 30),
    ],
  },
  {
    label: "10 various at 1 %, noise of ±50 %, of rps too",
    seconds: 300,
    capacities: various(10),
    traffic: always(0.01),
    reporting: { noise: 0.5, request_noise: 0.5 },
    measures: (run) => [percent("weights move", motion(run, BLACKOUT), 10)],
  },
  {
    label: "1:2:4, from 1 % to 70 %",
    seconds: 240,
    capacities: UNEQUAL,
    traffic: step(0.01, 0.7, 2 * MINUTE),
    measures: (run) => [seconds("even within", settling(run, 2 * MINUTE), 20)],
  },
  {
    label: "3,000 of capacities 1 to 10 at 60 %, noise of ±2 %",
    is_drawn: true,
    seconds: 150,
    capacities: various(3000),
    traffic: always(0.6),
    reporting: { noise: 0.02 },
    measures: balance(30),
  },
];

/** All scenarios. Each gives the same result every time. */
export const scenarios: Scenario[] = [...plain, ...lying, ...aged, ...others];
