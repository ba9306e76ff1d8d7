import type { BalancingConfig, MethodName } from "./balancing";
import type { Problem } from "./problem";
import type { ServerConfig } from "./server";
import { parse_time } from "./time";

/** As nginx: what these choose does not follow the weights of the moment. */
const WITHOUT_SLOW_START = new LuaSet<MethodName>();
for (const method of ["hash", "ip_hash", "random"] as const) WITHOUT_SLOW_START.add(method);

/** Each unit of weight is 160 points, which every worker makes and keeps. */
const LARGEST_CONSISTENT_WEIGHT = 1000;

/** Checks that a server's parameters can be with its upstream's method. Returns the problem, if not. Any phase. */
export function check_fit({ method, hash }: BalancingConfig, server: ServerConfig): Problem | undefined {
  if (WITHOUT_SLOW_START.has(method) && parse_time(server.slow_start) !== 0) {
    return {
      status: 400,
      code: "UpstreamBadSlowStart",
      text: `"slow_start" cannot be used with the method "${method}"`,
    };
  }
  if (hash?.consistent === true && server.weight > LARGEST_CONSISTENT_WEIGHT) {
    return {
      status: 400,
      code: "UpstreamBadWeight",
      text: `invalid "weight" value: more than ${LARGEST_CONSISTENT_WEIGHT}, the most with "hash.consistent"`,
    };
  }
  return undefined;
}
