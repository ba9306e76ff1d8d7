import type { Plan, Weights } from "../plan";
import type { World } from "../world/world";
import { FAULTS as FAULTS_OF_ONE, run_one_gateway } from "./one_gateway";

/** The scenarios of the simulation. */

export interface Scenario {
  name: string;
  faults: Weights;
  /** The number of those that a fault can concern. */
  whos: number;
  run: (this: void, world: World, plan: Plan) => void;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "one_gateway", faults: FAULTS_OF_ONE, whos: 3, run: run_one_gateway },
];
