import { block, with_default, type ConfigOf } from "./block";
import { number_from, whole_from } from "./values";

/** Parameters of the method `least_load`: of some servers, the one that is expected to answer first. */
export const LEAST_LOAD = block({
  /** The number of servers that are drawn for each request, by their weights: 2 to 32. */
  choices: with_default(whole_from(2, 32), 6),
  /**
   * Servers with more requests in flight, for their weight, than this part of all servers are hot. They get a
   * request only if no other server was drawn.
   */
  hot_quantile: with_default(number_from(0.05, 0.99), 0.6),
});
export type LeastLoadConfig = ConfigOf<typeof LEAST_LOAD>;
