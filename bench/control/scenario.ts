import type { LoadLimits } from "../../src/resty/sluice/control/load";
import { balance_loads } from "../../src/resty/sluice/control/weights";
import { new_server, pass_second, type Reporting, type SimulatedServer } from "./model";
import { note, type Run } from "./record";

/** A measured value and its upper bound. */
export interface Measure {
  what: string;
  value: number;
  bound: number;
  /** True: `bound` is a lower bound. */
  is_least?: boolean;
  unit: string;
}

export interface Scenario {
  label: string;
  /** True: the plot shows the scenario. */
  is_drawn?: boolean;
  seconds: number;
  capacities: number[];
  /** The requests of a second, as a share of the capacity of all servers at the start. */
  traffic: (this: void, second: number) => number;
  reporting?: Partial<Reporting>;
  /** An action at the start of a second. */
  happens?: (this: void, servers: readonly SimulatedServer[], second: number) => void;
  /** The second from which no server reports. */
  silent_from?: number;
  measures: (this: void, run: Run) => Measure[];
}

export const LIMITS: LoadLimits = {
  target: 0.8,
  update: 1,
  blackout: 10,
  expiry: 180,
  max_step: 0.2,
  min_weight: 0.05,
  error_penalty: 1,
};

const PLAIN: Reporting = {
  noise: 0,
  request_noise: 0,
  delay: 0,
  loss: 0,
  average: 1,
  counts: true,
  exceeds: false,
};

const SEED = 7;
/** The clock starts above 0, because 0 means that a server has never reported. */
const START = 1000;

/**
 * Runs a scenario; the result is the same every time. Reports begin at second 0 and count from second 10 on.
 */
export function run_scenario(scenario: Scenario): Run {
  math.randomseed(SEED);
  const servers: SimulatedServer[] = [];
  let capacity = 0;
  for (const one of scenario.capacities) {
    servers.push(new_server(one));
    capacity += one;
  }
  const run: Run = { loads: [], factors: [], servers };
  const reporting: Reporting = { ...PLAIN, ...scenario.reporting };
  for (const second of $range(0, scenario.seconds - 1)) {
    if (scenario.happens !== undefined) scenario.happens(servers, second);
    const requests = scenario.traffic(second) * capacity;
    note(run, requests);
    const are_silent = second >= (scenario.silent_from ?? math.huge);
    pass_second(servers, requests, second + START, reporting, are_silent);
    balance_loads(servers, LIMITS, second + START);
  }
  return run;
}
