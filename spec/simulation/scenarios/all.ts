import type { Plan, Weights } from "../plan";
import type { World } from "../world/world";
import { BACKGROUND_FAULTS, run_background } from "./background";
import { CLUSTER_FAULTS, run_cluster } from "./cluster";
import { FAULTS } from "./faults";
import { run_one_gateway } from "./one_gateway";

/** The scenarios of the simulation. */

export interface Scenario {
  name: string;
  faults: Weights;
  /** The number of those that a fault can concern. */
  whos: number;
  run: (this: void, world: World, plan: Plan) => void;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "one_gateway", faults: FAULTS, whos: 3, run: run_one_gateway },
  { name: "background", faults: BACKGROUND_FAULTS, whos: 3, run: run_background },
  { name: "cluster", faults: CLUSTER_FAULTS, whos: 2, run: run_cluster },
];
