import { CEILING } from "../../src/resty/sluice/control/weights";
import { at_least, MINUTE, percent, SMALL, step } from "./expectations";
import type { Lie, Report } from "./model";
import { apart, extremes, motion } from "./record";
import { LIMITS, type Scenario } from "./scenario";

/** Servers with false reports, and their effect on the others. */

/** Always reports the same utilization. */
function always_reports(utilization: number): Lie {
  return (truth) => ({ ...truth, utilization });
}

/** Reports a million times its requests. */
function reports_many_requests(truth: Report): Report {
  return { ...truth, rps: 1e6 * truth.rps };
}

/** Sends only invalid reports, which are refused: no report arrives. */
function reports_nothing_valid(): undefined {
  return undefined;
}

function reports_anything(): Lie {
  return (truth) => ({ ...truth, utilization: math.random() });
}

/** Repeats its first report for ever. */
function repeats_itself(): Lie {
  let first: ReturnType<Lie>;
  return (truth) => {
    first ??= { ...truth };
    return { ...first };
  };
}

/** The second from which reports are false. */
const LIE = 30;

/**
 * The first server sends false reports from second 30 on; the others are honest. It can get between a
 * twentieth of a typical server's requests and 4 times as many.
 */
function liar(label: string, honest: readonly number[], lie: Lie, more: Partial<Scenario> = {}): Scenario {
  let capacity = 0;
  for (const one of honest) capacity += one;
  const typical = honest[math.floor(honest.length / 2)];
  const load = 0.6;
  const requests = load * (capacity + SMALL) * 100;
  return {
    label,
    seconds: 150,
    capacities: [SMALL, ...honest],
    traffic: step(0.4, load, MINUTE),
    reporting: { noise: 0.02 },
    happens: (servers, second) => {
      if (second === LIE) servers[0].lie = lie;
    },
    measures: (run) => {
      const [lowest, highest] = extremes(run, MINUTE);
      return [
        at_least("the others' lowest", lowest, (requests / (capacity + CEILING * typical)) * 0.98),
        percent("highest utilization", highest, (requests / (capacity + LIMITS.min_weight * typical)) * 1.02),
        percent("apart", apart(run, MINUTE), 5),
        percent("their weights move", motion(run, MINUTE), 5),
      ];
    },
    ...more,
  };
}

/** One scenario for each kind of false report, among equal servers. */
function liars_among(count: number): Scenario[] {
  const honest: number[] = [];
  for (const _ of $range(1, count)) honest.push(SMALL);
  const among = (what: string, lie: Lie, more?: Partial<Scenario>): Scenario =>
    liar(`${count} honest, 1 ${what}`, honest, lie, more);
  return [
    among("says 0", always_reports(0)),
    among("says 0.01", always_reports(0.01)),
    among("says 0.1", always_reports(0.1), { is_drawn: true }),
    among("says 10⁹", always_reports(1e9), { is_drawn: true }),
    among("says a million times its rps", reports_many_requests),
    among("says NaN", reports_nothing_valid),
    among("says anything", reports_anything(), { is_drawn: true }),
    among("repeats an old report", repeats_itself()),
    among("repeats an old report, no rps reported", repeats_itself(), {
      reporting: { noise: 0.02, counts: false },
    }),
  ];
}

const VARIOUS = [SMALL, SMALL, 2 * SMALL, 2 * SMALL, 4 * SMALL, 4 * SMALL];

export const lying: Scenario[] = [
  ...liars_among(10),
  ...liars_among(3),
  liar("1:1:2:2:4:4 honest, 1 says anything", VARIOUS, reports_anything()),
];
