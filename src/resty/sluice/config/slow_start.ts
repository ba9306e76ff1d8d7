import type { MethodName } from "./balancing";
import type { Problem } from "./problem";
import type { ServerConfig } from "./server";
import { parse_time } from "./time";

/** As nginx: what these choose does not follow the weights of the moment. */
const WITHOUT = new LuaSet<MethodName>();
for (const method of ["hash", "ip_hash", "random"] as const) WITHOUT.add(method);

/** Checks that a server of an upstream with this method may have its `slow_start`. Returns the problem, if not. Any phase. */
export function check_slow_start(method: MethodName, server: ServerConfig): Problem | undefined {
  if (!WITHOUT.has(method) || parse_time(server.slow_start) === 0) return undefined;
  return {
    status: 400,
    code: "UpstreamBadSlowStart",
    text: `"slow_start" cannot be used with the method "${method}"`,
  };
}
